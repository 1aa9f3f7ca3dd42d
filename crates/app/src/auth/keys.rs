//! API keys and write keys, held in memory so that an ingest request costs no query.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ingest, store};
use crate::App;
use crate::web::Result;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Sends events to `/v1`, reads nothing (a write key).
    Ingest,
    /// Reads the API as a viewer.
    Read,
    /// Reads and changes as a manager.
    Write,
}

impl Scope {
    /// The scope's name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The scope with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ingest, Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.name() == name)
    }
}

/// A key that is in force.
#[derive(Debug)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its name; events sent with it carry this as their source.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When its last use was noted, UTC microseconds.
    pub noted_at: AtomicI64,
}

/// How old the keys in memory may be. A key revoked at another node is refused after this.
const FRESH: Duration = Duration::from_secs(10);
/// How soon an unknown key may cause another look into the records. A key made at another node works after this.
const RETRY: Duration = Duration::from_secs(1);
/// How often the last use of a key is noted, in microseconds.
const NOTE_EVERY: i64 = 60_000_000;

/// Keys by the hash of their secret.
type ByHash = Arc<HashMap<String, Arc<Key>>>;

/// All keys in force, and when they were read.
#[derive(Debug, Default)]
pub struct Keys {
    held: RwLock<Option<(Instant, ByHash)>>,
    loading: tokio::sync::Mutex<()>,
}

impl Keys {
    /// The key with this text, if it is in force. Fails only when the records cannot be read and the keys in memory do not answer.
    pub async fn find(&self, app: &App, text: &str) -> Result<Option<Arc<Key>>> {
        if !text.starts_with(PREFIX) || text.len() > 100 {
            return Ok(None);
        }
        let hash = store::hash(text);
        let mut keys = self.fresh(app, FRESH).await?;
        if !keys.contains_key(&hash) {
            keys = self.fresh(app, RETRY).await?;
        }
        let Some(key) = keys.get(&hash).cloned() else {
            return Ok(None);
        };
        note_use(app, &key);
        Ok(Some(key))
    }

    /// Forgets what is in memory; the next request reads the records.
    pub fn forget(&self) {
        *self.held.write() = None;
    }

    async fn fresh(&self, app: &App, age: Duration) -> Result<ByHash> {
        let young = |held: &Option<(Instant, ByHash)>| {
            held.as_ref()
                .filter(|(at, _)| at.elapsed() < age)
                .map(|(_, keys)| keys.clone())
        };
        if let Some(keys) = young(&self.held.read()) {
            return Ok(keys);
        }
        let _one = self.loading.lock().await;
        if let Some(keys) = young(&self.held.read()) {
            return Ok(keys);
        }
        let now = Instant::now();
        let loaded: HashMap<String, Arc<Key>> = store::keys_in_force(app).await?;
        let loaded = Arc::new(loaded);
        *self.held.write() = Some((now, loaded.clone()));
        Ok(loaded)
    }
}

fn note_use(app: &App, key: &Arc<Key>) {
    let now = app.clock.micros();
    let before = key.noted_at.load(Ordering::Relaxed);
    if now - before < NOTE_EVERY
        || key
            .noted_at
            .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_err()
    {
        return;
    }
    let (app, id) = (app.clone(), key.id.clone());
    tokio::spawn(async move {
        if let Err(error) = store::note_key_use(&app, &id, now).await {
            tracing::warn!(%error, "the last use of a key was not noted");
        }
    });
}

/// The beginning of every key.
pub const PREFIX: &str = "tnr_";

/// A new key's text: 256 random bits.
pub fn generate() -> std::io::Result<String> {
    let bytes: [u8; 32] = tenure_store::random_bytes()?;
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// The caller that a write key's text stands for; `None` when it is unknown, revoked or of another scope.
/// Fails when the records cannot be asked: answer 503 then, because SDKs drop events for ever on any other refusal.
pub async fn write_key(app: &App, text: &str) -> Result<Option<Ingest>> {
    let key = app.auth.keys.find(app, text).await?;
    Ok(key.filter(|key| key.scope == Scope::Ingest).map(|key| Ingest {
        key: key.id.clone(),
        source: key.name.clone(),
    }))
}
