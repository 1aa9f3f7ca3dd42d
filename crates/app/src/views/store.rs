//! SQL of the slice.

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, args};

/// A view as kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub id: String,
    pub page: String,
    pub name: String,
    /// The page's query as JSON.
    pub state: String,
    pub owner: String,
    pub shared: bool,
    pub version: i64,
    pub updated_at: i64,
    pub updated_by: String,
}

const VIEW: &str =
    "SELECT id, page, name, state, owner, shared, version, updated_at, updated_by FROM saved_views";

fn kept(row: &Row) -> StoreResult<Kept> {
    Ok(Kept {
        id: row.get("id")?,
        page: row.get("page")?,
        name: row.get("name")?,
        state: row.get("state")?,
        owner: row.get("owner")?,
        shared: row.get("shared")?,
        version: row.get("version")?,
        updated_at: row.get("updated_at")?,
        updated_by: row.get("updated_by")?,
    })
}

/// The views of a page that somebody may see, by name.
pub(super) async fn of_page(on: &impl Execute, page: &str, user: &str) -> StoreResult<Vec<Kept>> {
    on.all(
        &format!("{VIEW} WHERE page = $1 AND (shared OR owner = $2) ORDER BY name, id LIMIT 500"),
        args![page, user],
    )
    .await?
    .iter()
    .map(kept)
    .collect()
}

/// The view with this id.
pub(super) async fn one(on: &impl Execute, id: &str) -> StoreResult<Option<Kept>> {
    on.one(&format!("{VIEW} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(kept)
        .transpose()
}

/// Adds a view.
pub(super) async fn add(tx: &Tx, it: &Kept) -> StoreResult<()> {
    let mut batch = Batch::new(
        "saved_views",
        &[
            "id",
            "page",
            "name",
            "state",
            "owner",
            "shared",
            "version",
            "created_at",
            "updated_at",
            "updated_by",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.page.as_str(),
        it.name.as_str(),
        it.state.as_str(),
        it.owner.as_str(),
        it.shared,
        it.version,
        it.updated_at,
        it.updated_at,
        it.updated_by.as_str()
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Changes a view of the version before; false when somebody else was first.
pub(super) async fn change(tx: &Tx, it: &Kept) -> StoreResult<bool> {
    let sql = "UPDATE saved_views SET name = $1, state = $2, shared = $3, version = $4, updated_at = $5, updated_by = $6 \
               WHERE id = $7 AND version = $8";
    let values = args![
        it.name.as_str(),
        it.state.as_str(),
        it.shared,
        it.version,
        it.updated_at,
        it.updated_by.as_str(),
        it.id.as_str(),
        it.version - 1
    ];
    Ok(tx.run(sql, values).await? == 1)
}

/// Removes a view; whoever had it as default has none.
pub(super) async fn remove(tx: &Tx, id: &str) -> StoreResult<()> {
    tx.run("DELETE FROM view_defaults WHERE view_id = $1", args![id])
        .await?;
    tx.run("DELETE FROM saved_views WHERE id = $1", args![id]).await?;
    Ok(())
}

/// Nobody but its owner starts with a view that is no longer shared.
pub(super) async fn only_own_default(tx: &Tx, id: &str, owner: &str) -> StoreResult<()> {
    tx.run(
        "DELETE FROM view_defaults WHERE view_id = $1 AND user_id <> $2",
        args![id, owner],
    )
    .await?;
    Ok(())
}

/// The view that somebody starts a page with.
pub(super) async fn default_of(on: &impl Execute, user: &str, page: &str) -> StoreResult<Option<String>> {
    on.one(
        "SELECT view_id FROM view_defaults WHERE user_id = $1 AND page = $2",
        args![user, page],
    )
    .await?
    .map(|row| row.get("view_id"))
    .transpose()
}

/// Sets the view that somebody starts a page with, or that there is none.
pub(super) async fn set_default(tx: &Tx, user: &str, page: &str, view: Option<&str>) -> StoreResult<()> {
    tx.run(
        "DELETE FROM view_defaults WHERE user_id = $1 AND page = $2",
        args![user, page],
    )
    .await?;
    if let Some(view) = view {
        let mut batch = Batch::new("view_defaults", &["user_id", "page", "view_id"]);
        batch.row(args![user, page, view]);
        tx.insert(batch, Conflict::Fail).await?;
    }
    Ok(())
}
