//! API keys and write keys.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::new_id;
use utoipa::ToSchema;

use super::{at, nothing, people};
use crate::App;
use crate::auth::keys::{PREFIX, generate};
use crate::auth::{Admin, Scope, audit, store};
use crate::web::{Json, Path, Problem, Result};

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    pub id: String,
    /// Its name; for a write key also the name of the source that its events carry.
    pub name: String,
    pub scope: Scope,
    /// How the key begins, to tell keys apart.
    pub prefix: String,
    pub created_at: String,
    /// Who made it: `user:<id>` or `operator`.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub used_at: Option<String>,
    pub revoked_at: Option<String>,
}

impl From<store::KeyRow> for Key {
    fn from(key: store::KeyRow) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scope: key.scope,
            prefix: key.prefix,
            created_at: at(key.created_at),
            created_by: key.created_by,
            used_at: key.used_at.map(at),
            revoked_at: key.revoked_at.map(at),
        }
    }
}

/// All keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Keys {
    pub keys: Vec<Key>,
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    name: String,
    scope: Scope,
}

/// A key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct AddedKey {
    pub key: Key,
    /// The text to send; it cannot be shown again.
    pub secret: String,
}

/// All keys, revoked ones too.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses((status = 200, body = Keys)))]
pub async fn list(_: Admin, State(app): State<App>) -> Result<Json<Keys>> {
    let keys = store::keys(&app).await?;
    Ok(Json(Keys {
        keys: keys.into_iter().map(Key::from).collect(),
    }))
}

/// Makes a key and shows it once.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", request_body = NewKey, responses((status = 201, body = AddedKey)))]
pub async fn add(
    Admin(who): Admin,
    State(app): State<App>,
    Json(form): Json<NewKey>,
) -> Result<(StatusCode, Json<AddedKey>)> {
    let name = people::name(&form.name)?;
    let secret = generate().map_err(anyhow::Error::from)?;
    let key = store::KeyRow {
        id: new_id(&app.clock),
        name,
        scope: form.scope,
        prefix: secret.chars().take(PREFIX.len() + 6).collect(),
        created_at: app.clock.micros(),
        created_by: who.actor.clone(),
        used_at: None,
        revoked_at: None,
    };
    let tx = app.store.begin().await?;
    store::lock_users(&tx).await?;
    if store::key_named(&tx, &key.name).await? {
        return Err(Problem::conflict(format!(
            "a key in force is named {:?}: revoke it, or use another name",
            key.name
        )));
    }
    store::add_key(&tx, &key, &store::hash(&secret)).await?;
    let detail = json!({ "name": key.name, "scope": key.scope });
    audit(
        &tx,
        &app.clock,
        &who,
        "key.add",
        &format!("key:{}", key.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    app.auth.keys.forget();
    Ok((
        StatusCode::CREATED,
        Json(AddedKey {
            key: key.into(),
            secret,
        }),
    ))
}

/// Revokes a key for good.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", params(("id" = String, Path)), responses((status = 204)))]
pub async fn revoke(Admin(who): Admin, State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode> {
    let tx = app.store.begin().await?;
    let key = store::key(&tx, &id).await?;
    let key =
        key.ok_or_else(|| Problem::not_found(format!("there is no key {id}; GET /api/v1/keys lists them")))?;
    if key.revoked_at.is_none() {
        store::revoke_key(&tx, &id, app.clock.micros()).await?;
        audit(
            &tx,
            &app.clock,
            &who,
            "key.revoke",
            &format!("key:{id}"),
            &nothing(),
        )
        .await?;
    }
    tx.commit().await?;
    app.auth.keys.forget();
    Ok(StatusCode::NO_CONTENT)
}
