//! A person's word against the model's: capping or setting the score of an account until a day.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::new_id;
use utoipa::{IntoParams, ToSchema};

use super::super::{KeptOverride, history, store};
use crate::App;
use crate::auth::{Csm, audit};
use crate::metrics::facts::{date_of, parse_day};
use crate::metrics::reactor::month_of;
use crate::metrics::{self, as_of};
use crate::web::{Json, Path, Problem, Query, Result};

/// The longest that an override may hold, in days.
const LONGEST: i32 = 365;

/// An override to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOverride)]
pub struct NewOverride {
    /// Made by the sender, 8 to 64 letters, digits and `-`: what is sent twice is set once.
    id: Option<String>,
    /// The score; `health` when left out.
    score: Option<String>,
    /// `cap` (at most so many points) or `set` (exactly so many).
    rule: String,
    /// 0–100.
    points: f64,
    /// Why, at most 500 characters.
    reason: String,
    /// The last day on which it counts, at most a year away.
    until: String,
}

/// An override.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ScoreOverride)]
pub struct OverrideLine {
    id: String,
    score: String,
    rule: String,
    points: f64,
    author: String,
    reason: String,
    created_at: String,
    /// First day on which it counts.
    from: String,
    /// Last day.
    until: String,
    removed_at: Option<String>,
    removed_by: Option<String>,
    version: i64,
}

impl OverrideLine {
    pub(super) fn of(it: &KeptOverride) -> Self {
        Self {
            id: it.id.clone(),
            score: it.score.clone(),
            rule: it.rule.clone(),
            points: it.points,
            author: it.author.clone(),
            reason: it.reason.clone(),
            created_at: as_of::instant(it.created_at),
            from: date_of(it.from_day).to_string(),
            until: date_of(it.until_day).to_string(),
            removed_at: it.removed_at.map(as_of::instant),
            removed_by: it.removed_by.clone(),
            version: it.version,
        }
    }
}

/// How a person is shown: the address of a user, else what the audit calls them.
async fn author(app: &App, actor: &str) -> Result<String> {
    let people = crate::auth::people(app).await?;
    let found = people
        .into_iter()
        .find(|person| actor.strip_prefix("user:").is_some_and(|id| id == person.id));
    Ok(found.map_or_else(|| actor.to_owned(), |person| person.email))
}

fn wanted(form: &NewOverride, today: i32) -> Result<i32> {
    if !matches!(form.rule.as_str(), "cap" | "set") {
        return Err(Problem::field(
            "rule",
            &form.rule,
            "is not a rule",
            "write cap or set",
        ));
    }
    if !(0.0..=100.0).contains(&form.points) {
        return Err(Problem::field(
            "points",
            form.points.to_string(),
            "is not within 0–100",
            "write points from 0 to 100",
        ));
    }
    let length = form.reason.trim().chars().count();
    if !(1..=500).contains(&length) {
        return Err(Problem::field(
            "reason",
            form.reason.chars().take(80).collect::<String>(),
            "does not say why",
            "write a reason of at most 500 characters",
        ));
    }
    let until = parse_day(&form.until)
        .filter(|_| form.until.len() == 10)
        .ok_or_else(|| Problem::field("until", &form.until, "is not a day", "write it as YYYY-MM-DD"))?;
    if until < today || until > today + LONGEST {
        return Err(Problem::field(
            "until",
            &form.until,
            "does not lie within a year from today",
            format!(
                "name a day from {} to {}",
                date_of(today),
                date_of(today + LONGEST)
            ),
        ));
    }
    Ok(until)
}

/// Caps or sets the score of an account from today until a day.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/score-overrides", tag = "scores", params(("id" = String, Path)), request_body = NewOverride, responses((status = 201, body = OverrideLine)))]
pub async fn add(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewOverride>,
) -> Result<(StatusCode, Json<OverrideLine>)> {
    let definitions = super::definitions(&app)?;
    let (account, no) = super::account(&app, &id)?;
    let score = super::score(&definitions, form.score.as_deref())?
        .ok_or_else(|| Problem::conflict("the program declares no score: add one to scores.yaml"))?;
    let today = metrics::today(&app);
    let until = wanted(&form, today)?;
    if let Some(own) = &form.id {
        let fits =
            (8..=64).contains(&own.len()) && own.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits {
            return Err(Problem::field(
                "id",
                own,
                "is not an id",
                "send 8 to 64 letters, digits and -, or leave it out",
            ));
        }
        if let Some(known) = store::override_with(&app.store, own).await? {
            if known.account_no == no && known.rule == form.rule && known.points == form.points {
                return Ok((StatusCode::OK, Json(OverrideLine::of(&known))));
            }
            return Err(Problem::conflict("another override has this id: make a new one"));
        }
    }
    let kept = KeptOverride {
        id: form.id.unwrap_or_else(|| new_id(&app.clock)),
        score: score.id.clone(),
        account_no: no,
        rule: form.rule,
        points: form.points,
        author: author(&app, &who.actor).await?,
        reason: form.reason.trim().to_owned(),
        created_at: app.clock.micros(),
        from_day: today,
        until_day: until,
        removed_day: None,
        removed_at: None,
        removed_by: None,
        version: 1,
    };
    let tx = app.store.begin().await?;
    store::add_override(&tx, &kept).await?;
    let detail = json!({ "score": kept.score, "rule": kept.rule, "points": kept.points, "reason": kept.reason, "until": date_of(until).to_string() });
    audit(
        &tx,
        &app.clock,
        &who,
        "score.override",
        &format!("account:{account}"),
        &detail,
    )
    .await?;
    changed(&app, &tx, &kept, today).await?;
    tx.commit().await?;
    told(&app, &kept);
    Ok((StatusCode::CREATED, Json(OverrideLine::of(&kept))))
}

/// Lets days and figures from `day` on be computed again.
async fn changed(app: &App, tx: &tenure_store::Tx, kept: &KeptOverride, day: i32) -> Result<()> {
    store::distrust(tx, &kept.score, kept.account_no).await?;
    metrics::mark_months(tx, &[-month_of(day)], app.clock.micros()).await?;
    Ok(())
}

fn told(app: &App, kept: &KeptOverride) {
    if let Some(version) = app.scores.history.version(&kept.score) {
        version.recent.write().remove(&kept.account_no);
    }
    app.scores.changed();
    history::wake(app);
}

/// Which version of it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Removing {
    /// The version that was shown.
    version: i64,
}

/// Takes an override away from today on; the days before stay as they were.
#[utoipa::path(delete, path = "/api/v1/score-overrides/{id}", tag = "scores", params(("id" = String, Path), Removing), responses((status = 200, body = OverrideLine)))]
pub async fn remove(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Removing>,
) -> Result<Json<OverrideLine>> {
    let known = store::override_with(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("no override has the id “{id}”")))?;
    let today = metrics::today(&app);
    let by = author(&app, &who.actor).await?;
    let wanted = KeptOverride {
        version: asked.version,
        ..known
    };
    let tx = app.store.begin().await?;
    if !store::remove_override(&tx, &wanted, &by, app.clock.micros(), today).await? {
        return Err(Problem::conflict(
            "somebody else changed or removed this override: look at the account again",
        ));
    }
    let detail = json!({ "score": wanted.score, "rule": wanted.rule, "points": wanted.points });
    audit(
        &tx,
        &app.clock,
        &who,
        "score.override_remove",
        &format!("override:{id}"),
        &detail,
    )
    .await?;
    changed(&app, &tx, &wanted, today).await?;
    tx.commit().await?;
    told(&app, &wanted);
    let now = store::override_with(&app.store, &id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("no override has the id “{id}”")))?;
    Ok(Json(OverrideLine::of(&now)))
}
