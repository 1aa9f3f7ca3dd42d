//! People, pools, rules and the checklist.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::settings::{OwnerSettings, checked};
use super::super::store;
use super::current;
use crate::App;
use crate::auth::{Manager, Viewer, audit};
use crate::metrics::as_of;
use crate::web::{Json, Problem, Result};

/// Settings with their version.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnerSettingsAnswer)]
pub struct Answer {
    /// Send it back with a change.
    version: i64,
    /// When they were changed last; null = never.
    changed_at: Option<String>,
    /// By whom.
    changed_by: Option<String>,
    /// Someone who can be named as an owner: users and people.
    known: Vec<Known>,
    /// The settings.
    settings: OwnerSettings,
}

/// Someone who can be named.
#[derive(Serialize, ToSchema)]
#[schema(as = KnownOwner)]
pub struct Known {
    /// E-mail address, or `pool:ID`.
    owner: String,
    /// What people read.
    name: String,
    /// user, person or pool.
    kind: &'static str,
}

/// A change of the settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnerSettingsChange)]
pub struct Change {
    /// The version that the change was made from.
    version: i64,
    /// All settings.
    settings: OwnerSettings,
}

/// The settings of ownership.
#[utoipa::path(get, path = "/api/v1/owner-settings", tag = "owners", responses((status = 200, body = Answer)))]
pub async fn show(_: Viewer, State(app): State<App>) -> Result<Json<Answer>> {
    answer(&app).await.map(Json)
}

async fn answer(app: &App) -> Result<Answer> {
    let kept = store::settings(&app.store, 1).await?.pop();
    let (version, settings) = current(app).await?;
    let users = crate::auth::people(app).await?;
    let mut known: Vec<Known> = settings
        .pools
        .iter()
        .map(|pool| Known {
            owner: format!("{}{}", super::super::POOL, pool.id),
            name: pool.name.clone(),
            kind: "pool",
        })
        .collect();
    known.extend(users.iter().filter(|user| user.active).map(|user| Known {
        owner: user.email.clone(),
        name: user.name.clone(),
        kind: "user",
    }));
    for person in &settings.people {
        if !known.iter().any(|it| it.owner == person.email) {
            known.push(Known {
                owner: person.email.clone(),
                name: if person.name.is_empty() {
                    person.email.clone()
                } else {
                    person.name.clone()
                },
                kind: "person",
            });
        }
    }
    let mut seen: std::collections::BTreeSet<String> = known.iter().map(|it| it.owner.clone()).collect();
    for entry in app.metrics.book.all() {
        if let Some(owner) = entry.owner.as_ref().filter(|owner| !seen.contains(*owner)) {
            seen.insert(owner.clone());
            known.push(Known {
                owner: owner.clone(),
                name: owner.clone(),
                kind: "person",
            });
        }
    }
    Ok(Answer {
        version,
        changed_at: kept.as_ref().map(|kept| as_of::instant(kept.at)),
        changed_by: kept.map(|kept| kept.actor),
        known,
        settings,
    })
}

/// Replaces the settings. Somebody else's change since `version` is a 409; nothing is overwritten.
#[utoipa::path(put, path = "/api/v1/owner-settings", tag = "owners", request_body = Change, responses((status = 200, body = Answer)))]
pub async fn replace(
    Manager(who): Manager,
    State(app): State<App>,
    Json(form): Json<Change>,
) -> Result<Json<Answer>> {
    let settings = checked(&app, form.settings)?;
    let body = serde_json::to_string(&settings).map_err(anyhow::Error::from)?;
    let tx = app.store.begin().await?;
    tx.exclusive("owner_settings").await?;
    let newest = store::settings(&tx, 1).await?.pop();
    let version = newest.as_ref().map_or(0, |kept| kept.version);
    if version != form.version {
        let by = newest.map(|kept| kept.actor).unwrap_or_default();
        return Err(Problem::conflict(format!(
            "{by} changed the settings in the meantime (version {version}, yours is {}): read them again and repeat your change",
            form.version
        )));
    }
    store::put_settings(&tx, version + 1, &body, app.clock.micros(), &who.actor).await?;
    let detail = json!({ "version": version + 1, "rules": settings.rules.len(), "pools": settings.pools.len(),
        "people": settings.people.len(), "live": settings.live });
    audit(&tx, &app.clock, &who, "owner.settings", "owner-settings", &detail).await?;
    tx.commit().await?;
    // Live rules act at once.
    app.metrics.wake();
    answer(&app).await.map(Json)
}
