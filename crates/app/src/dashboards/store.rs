//! SQL of dashboards that people made.

use tenure_store::{Batch, Conflict, Execute, Row, StoreError, StoreResult, Tx, args};

use super::own::Sharing;

/// Versions of a dashboard that are kept.
const VERSIONS: i64 = 100;

/// A dashboard as kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: String,
    /// `user:ID`, `key:ID` or `operator`.
    pub owner: String,
    pub sharing: Sharing,
    pub title: String,
    pub description: String,
    /// Number of tiles.
    pub tiles: i64,
    /// The text of its file.
    pub body: String,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub updated_by: String,
    /// When it was removed; `None` = it is there.
    pub removed_at: Option<i64>,
}

const COLUMNS: &str = "id, owner, sharing, title, description, tiles, body, version, created_at, updated_at, updated_by, removed_at";

fn kept(row: &Row) -> StoreResult<Kept> {
    let sharing: String = row.get("sharing")?;
    Ok(Kept {
        id: row.get("id")?,
        owner: row.get("owner")?,
        sharing: Sharing::parse(&sharing)
            .ok_or_else(|| StoreError::Other(format!("dashboards.sharing holds '{sharing}'")))?,
        title: row.get("title")?,
        description: row.get("description")?,
        tiles: row.get("tiles")?,
        body: row.get("body")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        updated_by: row.get("updated_by")?,
        removed_at: row.get("removed_at")?,
    })
}

/// Those that an actor may see, and those of their own that were removed.
pub async fn of(on: &impl Execute, actor: &str) -> StoreResult<Vec<Kept>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM dashboards WHERE owner = $1 OR (sharing <> 'private' AND removed_at IS NULL) ORDER BY title, id"
    );
    on.all(&sql, args![actor]).await?.iter().map(kept).collect()
}

/// All that are not removed.
pub async fn all(on: &impl Execute) -> StoreResult<Vec<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM dashboards WHERE removed_at IS NULL ORDER BY id");
    on.all(&sql, vec![]).await?.iter().map(kept).collect()
}

/// The one with this id, removed or not.
pub async fn get(on: &impl Execute, id: &str) -> StoreResult<Option<Kept>> {
    let sql = format!("SELECT {COLUMNS} FROM dashboards WHERE id = $1");
    on.one(&sql, args![id]).await?.as_ref().map(kept).transpose()
}

/// How many an actor has.
pub async fn count(on: &impl Execute, actor: &str) -> StoreResult<i64> {
    on.one(
        "SELECT COUNT(*) AS n FROM dashboards WHERE owner = $1 AND removed_at IS NULL",
        args![actor],
    )
    .await?
    .map_or(Ok(0), |row| row.get("n"))
}

/// The text of an earlier version.
pub async fn body_of(on: &impl Execute, id: &str, version: i64) -> StoreResult<Option<String>> {
    on.one(
        "SELECT body FROM dashboard_versions WHERE dashboard = $1 AND version = $2",
        args![id, version],
    )
    .await?
    .map(|row| row.get("body"))
    .transpose()
}

/// Adds one; false when its id is taken.
pub async fn add(tx: &Tx, it: &Kept) -> StoreResult<bool> {
    let columns: Vec<&str> = COLUMNS.split(", ").collect();
    let mut batch = Batch::new("dashboards", &columns);
    batch.row(args![
        it.id.as_str(),
        it.owner.as_str(),
        it.sharing.name(),
        it.title.as_str(),
        it.description.as_str(),
        it.tiles,
        it.body.as_str(),
        it.version,
        it.created_at,
        it.updated_at,
        it.updated_by.as_str(),
        it.removed_at
    ]);
    let added = tx.insert(batch, Conflict::Ignore("id")).await? == 1;
    if added {
        remember(tx, it).await?;
    }
    Ok(added)
}

/// Writes one over its version before; false when it has another one by now.
pub async fn change(tx: &Tx, it: &Kept) -> StoreResult<bool> {
    let changed = tx
        .run(
            "UPDATE dashboards SET sharing = $1, title = $2, description = $3, tiles = $4, body = $5, version = $6, updated_at = $7, \
             updated_by = $8, removed_at = $9 WHERE id = $10 AND version = $11",
            args![
                it.sharing.name(),
                it.title.as_str(),
                it.description.as_str(),
                it.tiles,
                it.body.as_str(),
                it.version,
                it.updated_at,
                it.updated_by.as_str(),
                it.removed_at,
                it.id.as_str(),
                it.version - 1
            ],
        )
        .await?;
    if changed == 1 {
        remember(tx, it).await?;
    }
    Ok(changed == 1)
}

async fn remember(tx: &Tx, it: &Kept) -> StoreResult<()> {
    let mut batch = Batch::new(
        "dashboard_versions",
        &["dashboard", "version", "body", "actor", "at"],
    );
    batch.row(args![
        it.id.as_str(),
        it.version,
        it.body.as_str(),
        it.updated_by.as_str(),
        it.updated_at
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    tx.run(
        "DELETE FROM dashboard_versions WHERE dashboard = $1 AND version <= $2",
        args![it.id.as_str(), it.version - VERSIONS],
    )
    .await?;
    Ok(())
}

/// Forgets those that were removed before an instant.
pub async fn forget(tx: &Tx, before: i64) -> StoreResult<()> {
    tx.run(
        "DELETE FROM dashboard_versions WHERE dashboard IN (SELECT id FROM dashboards WHERE removed_at < $1)",
        args![before],
    )
    .await?;
    tx.run("DELETE FROM dashboards WHERE removed_at < $1", args![before])
        .await?;
    Ok(())
}
