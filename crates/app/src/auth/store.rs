//! SQL of the slice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tenure_store::{Clock, Execute, Row, StoreResult, Tx, Value, args};

use super::keys::{Key, Scope};
use super::sessions;
use super::{Principal, Role};
use crate::App;

/// Advisory lock of the audit chain: the next row needs the last one's hash.
const AUDIT: &str = "audit";
/// Advisory lock of the list of users: the last administrator stays.
const USERS: &str = "users";

/// The hash under which a secret of 256 random bits is kept. Fast on purpose: such a secret cannot be guessed.
#[must_use]
pub fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}

/// One row of the audit.
#[derive(Clone, Debug)]
pub struct AuditRow {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub request_id: Option<String>,
    pub chain: String,
}

impl AuditRow {
    fn read(row: &Row) -> StoreResult<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            detail: row.get("detail")?,
            request_id: row.get("request_id")?,
            chain: row.get("chain")?,
        })
    }

    /// The hash over this row and the chain before it.
    #[must_use]
    pub fn link(&self, before: &str) -> String {
        let mut hash = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at.to_string());
        let request = self.request_id.as_deref().unwrap_or_default();
        for part in [
            before,
            &seq,
            &at,
            &self.actor,
            &self.action,
            &self.subject,
            &self.detail,
            request,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        format!("{:x}", hash.finalize())
    }
}

/// Writes an audit row into the transaction of the change that it tells of. Rows form a chain of hashes, so that an edited or removed one shows.
pub async fn audit(
    tx: &Tx,
    clock: &Clock,
    who: &Principal,
    action: &str,
    subject: &str,
    detail: &Json,
) -> StoreResult<()> {
    tx.exclusive(AUDIT).await?;
    let (last, before) = audit_head(tx).await?;
    let mut row = AuditRow {
        seq: last + 1,
        at: clock.micros(),
        actor: who.actor.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_string(),
        request_id: who.request_id.clone(),
        chain: String::new(),
    };
    row.chain = row.link(&before);
    let head = format!("{} {}", row.seq, row.chain);
    tx.run(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, request_id, chain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![row.seq, row.at, row.actor, row.action, row.subject, row.detail, row.request_id, row.chain],
    )
    .await?;
    // The head is kept apart, so that rows missing at the end show too.
    tx.run(
        "INSERT INTO settings (key, value) VALUES ('audit.head', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        args![head],
    )
    .await?;
    Ok(())
}

/// Number and hash of the newest audit row, as noted apart from the rows; `(0, "")` before the first.
pub async fn audit_head(on: &impl Execute) -> StoreResult<(i64, String)> {
    let row = on
        .one("SELECT value FROM settings WHERE key = 'audit.head'", vec![])
        .await?;
    let Some(row) = row else {
        return Ok((0, String::new()));
    };
    let text: String = row.get("value")?;
    let (seq, chain) = text.split_once(' ').unwrap_or_default();
    Ok((seq.parse().unwrap_or(0), chain.to_owned()))
}

/// What to list of the audit.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub before: Option<i64>,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub subject: Option<String>,
    pub limit: i64,
}

/// Audit rows, newest first.
pub async fn audit_rows(app: &App, filter: &AuditFilter) -> StoreResult<Vec<AuditRow>> {
    let mut sql = String::from("SELECT * FROM audit WHERE seq < $1");
    let mut args = args![filter.before.unwrap_or(i64::MAX)];
    for (column, wanted) in [
        ("actor", &filter.actor),
        ("action", &filter.action),
        ("subject", &filter.subject),
    ] {
        if let Some(wanted) = wanted {
            args.push(Value::from(wanted.clone()));
            sql.push_str(&format!(" AND {column} = ${}", args.len()));
        }
    }
    args.push(Value::from(filter.limit));
    sql.push_str(&format!(" ORDER BY seq DESC LIMIT ${}", args.len()));
    app.store
        .all(&sql, args)
        .await?
        .iter()
        .map(AuditRow::read)
        .collect()
}

/// Audit rows after `seq`, oldest first.
pub async fn audit_after(on: &impl Execute, seq: i64, limit: i64) -> StoreResult<Vec<AuditRow>> {
    let rows = on
        .all(
            "SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
            args![seq, limit],
        )
        .await?;
    rows.iter().map(AuditRow::read).collect()
}

/// A user as kept.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: Option<String>,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
    pub time_zone: Option<String>,
    pub seen_at: Option<i64>,
}

impl User {
    fn read(row: &Row) -> StoreResult<Self> {
        let role: String = row.get("role")?;
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            // A role that this program does not know may do the least.
            role: Role::parse(&role).unwrap_or(Role::Viewer),
            password_hash: row.get("password_hash")?,
            created_at: row.get("created_at")?,
            disabled_at: row.get("disabled_at")?,
            time_zone: row.get("time_zone")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

const USER: &str = "SELECT u.id, u.email, u.name, u.role, u.password_hash, u.created_at, u.disabled_at, u.time_zone, \
(SELECT MAX(s.seen_at) FROM sessions s WHERE s.user_id = u.id) AS seen_at FROM users u";

/// Whether there is no user yet.
pub async fn no_users(on: &impl Execute) -> StoreResult<bool> {
    Ok(on
        .one("SELECT 1 AS one FROM users LIMIT 1", vec![])
        .await?
        .is_none())
}

/// All users by e-mail address.
pub async fn users(app: &App) -> StoreResult<Vec<User>> {
    app.store
        .all(&format!("{USER} ORDER BY u.email"), vec![])
        .await?
        .iter()
        .map(User::read)
        .collect()
}

/// The user with this id.
pub async fn user(on: &impl Execute, id: &str) -> StoreResult<Option<User>> {
    on.one(&format!("{USER} WHERE u.id = $1"), args![id])
        .await?
        .as_ref()
        .map(User::read)
        .transpose()
}

/// The user with this e-mail address.
pub async fn user_by_email(on: &impl Execute, email: &str) -> StoreResult<Option<User>> {
    on.one(&format!("{USER} WHERE u.email = $1"), args![email])
        .await?
        .as_ref()
        .map(User::read)
        .transpose()
}

/// Keeps other changes of the list of users out until the transaction ends.
pub async fn lock_users(tx: &Tx) -> StoreResult<()> {
    tx.exclusive(USERS).await
}

/// Adds a user.
pub async fn add_user(tx: &Tx, user: &User) -> StoreResult<()> {
    tx.run(
        "INSERT INTO users (id, email, name, role, password_hash, created_at, disabled_at, time_zone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            user.id.clone(), user.email.clone(), user.name.clone(), user.role.name(), user.password_hash.clone(), user.created_at,
            user.disabled_at, user.time_zone.clone()
        ],
    )
    .await?;
    Ok(())
}

/// Writes everything of a user that can change but the password.
pub async fn update_user(tx: &Tx, user: &User) -> StoreResult<()> {
    tx.run(
        "UPDATE users SET name = $1, role = $2, disabled_at = $3, time_zone = $4 WHERE id = $5",
        args![
            user.name.clone(),
            user.role.name(),
            user.disabled_at,
            user.time_zone.clone(),
            user.id.clone()
        ],
    )
    .await?;
    Ok(())
}

/// How many administrators can sign in.
pub async fn admins(tx: &Tx) -> StoreResult<i64> {
    let row = tx
        .one(
            "SELECT COUNT(*) AS n FROM users WHERE role = 'admin' AND disabled_at IS NULL",
            vec![],
        )
        .await?;
    row.map_or(Ok(0), |row| row.get("n"))
}

/// Gives a user another password hash.
pub async fn set_password(tx: &Tx, user: &str, hash: &str) -> StoreResult<()> {
    tx.run(
        "UPDATE users SET password_hash = $1 WHERE id = $2",
        args![hash, user],
    )
    .await?;
    Ok(())
}

/// A session with what its user may do.
#[derive(Clone, Debug)]
pub struct Found {
    pub token_hash: String,
    pub user_id: String,
    pub csrf: String,
    pub role: Role,
}

/// The session with this token hash, when it is in force and its user may sign in; notes its use.
pub async fn session(app: &App, token_hash: &str) -> StoreResult<Option<Found>> {
    let now = app.clock.micros();
    let row = app
        .store
        .one(
            "SELECT s.user_id, s.csrf, s.seen_at, u.role FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND u.disabled_at IS NULL",
            args![token_hash, now, now - sessions::IDLE],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (seen_at, role): (i64, String) = (row.get("seen_at")?, row.get("role")?);
    if now - seen_at >= sessions::NOTE_EVERY {
        let tx = app.store.begin().await?;
        tx.run(
            "UPDATE sessions SET seen_at = $1 WHERE token_hash = $2",
            args![now, token_hash],
        )
        .await?;
        tx.commit().await?;
    }
    Ok(Some(Found {
        token_hash: token_hash.to_owned(),
        user_id: row.get("user_id")?,
        csrf: row.get("csrf")?,
        role: Role::parse(&role).unwrap_or(Role::Viewer),
    }))
}

/// Starts a session and clears away those that have ended.
pub async fn add_session(
    tx: &Tx,
    now: i64,
    token_hash: &str,
    user: &str,
    csrf: &str,
    agent: Option<String>,
) -> StoreResult<()> {
    tx.run(
        "DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2",
        args![now, now - sessions::IDLE],
    )
    .await?;
    tx.run(
        "INSERT INTO sessions (token_hash, user_id, csrf, created_at, seen_at, expires_at, user_agent) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![token_hash, user, csrf, now, now, now + sessions::LONGEST, agent],
    )
    .await?;
    Ok(())
}

/// One of a user's sessions.
#[derive(Clone, Debug)]
pub struct SessionRow {
    pub token_hash: String,
    pub created_at: i64,
    pub seen_at: i64,
    pub expires_at: i64,
    pub user_agent: Option<String>,
}

/// A user's sessions in force, last used first.
pub async fn sessions_of(app: &App, user: &str) -> StoreResult<Vec<SessionRow>> {
    let now = app.clock.micros();
    let rows = app
        .store
        .all(
            "SELECT token_hash, created_at, seen_at, expires_at, user_agent FROM sessions \
             WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC",
            args![user, now, now - sessions::IDLE],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(SessionRow {
                token_hash: row.get("token_hash")?,
                created_at: row.get("created_at")?,
                seen_at: row.get("seen_at")?,
                expires_at: row.get("expires_at")?,
                user_agent: row.get("user_agent")?,
            })
        })
        .collect()
}

/// Ends one session of a user; false when there is none with this hash.
pub async fn end_session(tx: &Tx, user: &str, token_hash: &str) -> StoreResult<bool> {
    Ok(tx
        .run(
            "DELETE FROM sessions WHERE user_id = $1 AND token_hash = $2",
            args![user, token_hash],
        )
        .await?
        > 0)
}

/// Ends all sessions of a user and tells how many there were.
pub async fn end_sessions(tx: &Tx, user: &str) -> StoreResult<u64> {
    tx.run("DELETE FROM sessions WHERE user_id = $1", args![user])
        .await
}

/// A key as listed.
#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: String,
    pub name: String,
    pub scope: Scope,
    pub prefix: String,
    pub created_at: i64,
    pub created_by: String,
    pub used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

impl KeyRow {
    fn read(row: &Row) -> StoreResult<Self> {
        let scope: String = row.get("scope")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            scope: Scope::parse(&scope).unwrap_or(Scope::Ingest),
            prefix: row.get("prefix")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
            used_at: row.get("used_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

/// All keys, newest first, revoked ones too.
pub async fn keys(app: &App) -> StoreResult<Vec<KeyRow>> {
    app.store
        .all("SELECT * FROM api_keys ORDER BY created_at DESC, id DESC", vec![])
        .await?
        .iter()
        .map(KeyRow::read)
        .collect()
}

/// The key with this id.
pub async fn key(on: &impl Execute, id: &str) -> StoreResult<Option<KeyRow>> {
    on.one("SELECT * FROM api_keys WHERE id = $1", args![id])
        .await?
        .as_ref()
        .map(KeyRow::read)
        .transpose()
}

/// Whether a key in force has this name.
pub async fn key_named(on: &impl Execute, name: &str) -> StoreResult<bool> {
    Ok(on
        .one(
            "SELECT 1 AS one FROM api_keys WHERE name = $1 AND revoked_at IS NULL",
            args![name],
        )
        .await?
        .is_some())
}

/// Adds a key.
pub async fn add_key(tx: &Tx, key: &KeyRow, secret_hash: &str) -> StoreResult<()> {
    tx.run(
        "INSERT INTO api_keys (id, name, scope, prefix, secret_hash, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            key.id.clone(), key.name.clone(), key.scope.name(), key.prefix.clone(), secret_hash, key.created_at, key.created_by.clone()
        ],
    )
    .await?;
    Ok(())
}

/// Revokes a key for good.
pub async fn revoke_key(tx: &Tx, id: &str, now: i64) -> StoreResult<()> {
    tx.run(
        "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        args![now, id],
    )
    .await?;
    Ok(())
}

/// Notes when a key was last used.
pub async fn note_key_use(app: &App, id: &str, now: i64) -> StoreResult<()> {
    let tx = app.store.begin().await?;
    tx.run("UPDATE api_keys SET used_at = $1 WHERE id = $2", args![now, id])
        .await?;
    tx.commit().await
}

/// All keys in force by the hash of their secret.
pub async fn keys_in_force(app: &App) -> StoreResult<HashMap<String, Arc<Key>>> {
    let rows = app
        .store
        .all(
            "SELECT id, name, scope, secret_hash, used_at FROM api_keys WHERE revoked_at IS NULL",
            vec![],
        )
        .await?;
    let mut keys = HashMap::with_capacity(rows.len());
    for row in &rows {
        let scope: String = row.get("scope")?;
        let Some(scope) = Scope::parse(&scope) else {
            continue;
        };
        let used_at: Option<i64> = row.get("used_at")?;
        let key = Key {
            id: row.get("id")?,
            name: row.get("name")?,
            scope,
            noted_at: AtomicI64::new(used_at.unwrap_or(0)),
        };
        keys.insert(row.get("secret_hash")?, Arc::new(key));
    }
    Ok(keys)
}

/// What a user set for themselves.
pub async fn preferences(on: &impl Execute, user: &str) -> StoreResult<super::Preferences> {
    let row = on
        .one(
            "SELECT body FROM user_preferences WHERE user_id = $1",
            args![user],
        )
        .await?;
    let body: Option<String> = row.map(|row| row.get("body")).transpose()?;
    Ok(body
        .and_then(|body| serde_json::from_str(&body).ok())
        .unwrap_or_default())
}

/// Keeps what a user set for themselves.
pub async fn set_preferences(tx: &Tx, user: &str, it: &super::Preferences, at: i64) -> StoreResult<()> {
    let body = serde_json::to_string(it).unwrap_or_default();
    tx.run(
        "INSERT INTO user_preferences (user_id, body, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
        args![user, body, at],
    )
    .await?;
    Ok(())
}
