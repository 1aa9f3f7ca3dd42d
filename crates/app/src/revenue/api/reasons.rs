//! The reason dialogue: notices, cancellations, saves and reasons, recorded by people.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::churn::{ReasonCode, codes};
use super::day_text;
use crate::App;
use crate::auth::{Csm, Principal, Role, Viewer};
use crate::metrics::Entry;
use crate::metrics::facts::parse_day;
use crate::revenue::record::{Recorded, instant_of, properties, reason_id, record};
use crate::revenue::rules::departures::{About, Says, Signal, in_force, statements};
use crate::revenue::rules::major;
use crate::revenue::rules::reasons::{Given, UNKNOWN, check};
use crate::revenue::scene::{Scene, Who};
use crate::web::{Json, Path, Problem, Result};

/// One statement about a notice or an end.
#[derive(Clone, Serialize, ToSchema)]
pub struct ReasonStatement {
    /// The reason that it names; null = none.
    reason: Option<String>,
    secondary: Vec<String>,
    competitor: Option<String>,
    comment: Option<String>,
    /// The name of who recorded it; null = the source said it.
    author: Option<String>,
    /// Where it came from.
    source: String,
    /// When it became known.
    recorded_at: String,
}

/// A notice or an end of an account.
#[derive(Clone, Serialize, ToSchema)]
pub struct ChurnFact {
    about: About,
    /// The day of the notice, or the first day on which the account was no longer active.
    on: String,
    /// What it paid: on the day of the notice, or on its last active day; null = unknown.
    mrr: Option<f64>,
    /// The statement in force; null = nothing was said.
    now: Option<ReasonStatement>,
    /// Whether a reason is on record: one that a source named, `unknown` aside, or whatever a person recorded.
    has_reason: bool,
    /// How many times a person has recorded a reason; a correction names it.
    version: i64,
    /// Everything that was said, oldest first.
    history: Vec<ReasonStatement>,
    /// When a save was recorded after the notice.
    saved_on: Option<String>,
    /// By whom.
    saved_by: Option<String>,
    /// How.
    saved_how: Option<String>,
}

/// What is known of an account's leaving.
#[derive(Serialize, ToSchema)]
pub struct AccountChurn {
    account_id: String,
    name: String,
    active: bool,
    segment: Option<String>,
    owner: Option<String>,
    currency: String,
    mrr: Option<f64>,
    /// Today, as the program counts days.
    today: String,
    /// Running subscriptions; 0 = a cancellation cannot be recorded here.
    subscriptions: usize,
    /// Newest first.
    facts: Vec<ChurnFact>,
    /// The reasons that may be given.
    reasons: Vec<ReasonCode>,
}

/// The account with this id.
fn find(app: &App, id: &str) -> Result<Arc<Entry>> {
    app.accounts
        .shown(id)
        .and_then(|no| app.metrics.book.get(no.get()))
        .ok_or_else(|| Problem::not_found(format!("there is no account {id}; look it up under Accounts")))
}

fn statement(scene: &Scene, signal: &Signal) -> ReasonStatement {
    ReasonStatement {
        reason: signal.reason.clone(),
        secondary: signal.secondary.clone(),
        competitor: signal.competitor.clone(),
        comment: signal.comment.clone(),
        author: signal.author.as_deref().map(|actor| scene.person(actor)),
        source: signal.source.clone(),
        recorded_at: crate::metrics::as_of::instant(signal.received_at),
    }
}

/// What is known of one notice or end.
fn fact(scene: &Scene, entry: &Entry, about: About, on: i32) -> Option<ChurnFact> {
    let currency = scene.accounts.iter().find(|(e, _)| e.no == entry.no)?.1;
    let life = scene.life(entry, currency);
    let said = scene.said(entry.no);
    let until = match about {
        About::Notice => on + 1,
        About::Cancellation => life
            .lives
            .iter()
            .map(|(start, _)| *start)
            .find(|start| *start >= on)
            .unwrap_or(i32::MAX),
    };
    let there = match about {
        About::Notice => said.iter().any(|s| s.says == Says::Notice && s.day == on),
        About::Cancellation => life.lives.iter().any(|(_, end)| *end == on && on <= scene.day),
    };
    if !there {
        return None;
    }
    let found = statements(said, about, on, until);
    let now = in_force(&found);
    let saved = said
        .iter()
        .find(|s| about == About::Notice && s.says == Says::Saved && s.day >= on);
    let paid = if about == About::Notice { on } else { on - 1 };
    Some(ChurnFact {
        about,
        on: day_text(on),
        mrr: life
            .on(paid)
            .then(|| life.mrr(paid))
            .flatten()
            .map(|minor| major(minor, life.scale)),
        has_reason: now.is_some_and(|s| {
            s.reason.is_some() && (s.author.is_some() || s.reason.as_deref() != Some(UNKNOWN))
        }),
        version: found.iter().map(|s| s.version).max().unwrap_or(0),
        now: now.map(|s| statement(scene, s)),
        history: found.iter().map(|s| statement(scene, s)).collect(),
        saved_on: saved.map(|s| day_text(s.day)),
        saved_by: saved
            .and_then(|s| s.author.as_deref())
            .map(|actor| scene.person(actor)),
        saved_how: saved.and_then(|s| s.comment.clone()),
    })
}

async fn state(app: &App, entry: &Entry) -> Result<AccountChurn> {
    let scene = Scene::of(app, &Who::default()).await?;
    let currency = scene
        .accounts
        .iter()
        .find(|(e, _)| e.no == entry.no)
        .map_or(0, |(_, at)| *at);
    let life = scene.life(entry, currency);
    let mut days: Vec<(i32, About)> = scene
        .said(entry.no)
        .iter()
        .filter(|s| s.says == Says::Notice)
        .map(|s| (s.day, About::Notice))
        .chain(
            life.lives
                .iter()
                .filter(|(_, end)| *end <= scene.day)
                .map(|(_, end)| (*end, About::Cancellation)),
        )
        .collect();
    days.sort_unstable();
    days.dedup();
    let span = entry.head.span_at(scene.day);
    Ok(AccountChurn {
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        active: life.on(scene.day),
        segment: span.map(|s| s.segment.clone()),
        owner: span.and_then(|s| s.owner.clone()),
        currency: scene.currencies[currency].clone(),
        mrr: span.and_then(|s| s.mrr),
        today: scene.date().to_string(),
        subscriptions: running(entry, scene.day).len(),
        facts: days
            .iter()
            .rev()
            .filter_map(|(on, about)| fact(&scene, entry, *about, *on))
            .collect(),
        reasons: codes(),
    })
}

/// Subscriptions that run on a day.
fn running(entry: &Entry, day: i32) -> Vec<&str> {
    let mut running: Vec<&str> = entry
        .head
        .subscriptions
        .iter()
        .filter(|run| run.from <= day && run.to.is_none_or(|to| to > day))
        .map(|run| run.subscription.as_str())
        .collect();
    running.sort_unstable();
    running.dedup();
    running
}

/// An account's notices and ends, each with its reason and everything that was said of it.
#[utoipa::path(get, path = "/api/v1/revenue/accounts/{id}", tag = "revenue", params(("id" = String, Path, description = "The account's id")), responses((status = 200, body = AccountChurn)))]
pub async fn show(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<AccountChurn>> {
    let entry = find(&app, &id)?;
    Ok(Json(state(&app, &entry).await?))
}

/// A reason, as the dialogue gives it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReason {
    /// The notice or the end.
    about: About,
    /// Its day.
    on: String,
    /// The primary reason.
    primary: String,
    /// Further reasons.
    #[serde(default)]
    secondary: Vec<String>,
    /// Who the customer goes to.
    competitor: Option<String>,
    /// In the customer's words.
    comment: Option<String>,
    /// `version` of the notice or end as it was shown; 0 = nobody had recorded a reason yet.
    #[serde(default)]
    version: i64,
}

/// A notice or cancellation that a person records, with its reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnd {
    /// The day of the notice, or the first day without the account; today or a day before.
    on: String,
    /// The primary reason.
    primary: String,
    /// Further reasons.
    #[serde(default)]
    secondary: Vec<String>,
    /// Who the customer goes to.
    competitor: Option<String>,
    /// In the customer's words.
    comment: Option<String>,
}

/// A save that a person records.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSave {
    /// The day of the notice that was taken back.
    notice_on: String,
    /// How it was done, in words.
    how: String,
}

fn reason(
    primary: &str,
    secondary: &[String],
    competitor: Option<&str>,
    comment: Option<&str>,
) -> Result<Given> {
    check(primary, secondary, competitor, comment)
        .map_err(|(field, value, problem, remedy)| Problem::field(field, value, problem, remedy))
}

/// A day of the past or today.
fn past_day(app: &App, field: &str, text: &str) -> Result<i32> {
    let today = crate::metrics::today(app);
    let day = Some(text.trim())
        .filter(|text| text.len() == 10)
        .and_then(parse_day)
        .ok_or_else(|| {
            Problem::field(
                field,
                text,
                "is not a day",
                "write it as YYYY-MM-DD, for example 2026-06-30",
            )
        })?;
    if day > today {
        return Err(Problem::field(
            field,
            text,
            "lies in the future",
            format!("give {} or a day before it", day_text(today)),
        ));
    }
    Ok(day)
}

fn of_state(of: &AccountChurn, about: About, on: &str) -> Option<ChurnFact> {
    of.facts
        .iter()
        .find(|fact| fact.about == about && fact.on == on)
        .cloned()
}

fn says_the_same(now: Option<&ReasonStatement>, given: &Given) -> bool {
    now.is_some_and(|now| {
        now.reason.as_deref() == Some(&given.primary)
            && now.secondary == given.secondary
            && now.competitor == given.competitor
            && now.comment == given.comment
            && now.author.is_some()
    })
}

/// Another person was faster: what stands there now.
fn overtaken(fact: &ChurnFact) -> Problem {
    let now = fact.now.as_ref();
    Problem::conflict(format!(
        "since you opened this, {} recorded the reason {} for the {} of {} (version {}): look at it, and correct it if it is wrong",
        now.and_then(|s| s.author.as_deref()).unwrap_or("somebody"),
        now.and_then(|s| s.reason.as_deref()).unwrap_or(UNKNOWN),
        fact.about.name(),
        fact.on,
        fact.version,
    ))
}

/// Records the reason of a notice or an end. The first one is for a CSM to give; correcting one needs a manager, and the old one stays in
/// the history.
#[utoipa::path(post, path = "/api/v1/revenue/accounts/{id}/reasons", tag = "revenue", params(("id" = String, Path, description = "The account's id")), request_body = NewReason, responses((status = 200, body = AccountChurn)))]
pub async fn give(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewReason>,
) -> Result<Json<AccountChurn>> {
    let entry = find(&app, &id)?;
    let on = past_day(&app, "on", &form.on)?;
    let given = reason(
        &form.primary,
        &form.secondary,
        form.competitor.as_deref(),
        form.comment.as_deref(),
    )?;
    let before = state(&app, &entry).await?;
    let fact = of_state(&before, form.about, &day_text(on)).ok_or_else(|| {
        Problem::field(
            "on",
            &form.on,
            format!("is the day of no {} of this account", form.about.name()),
            "take the day from the account's list of notices and ends",
        )
    })?;
    if form.version != fact.version {
        // The same, sent twice: it stands there already.
        if form.version + 1 == fact.version && says_the_same(fact.now.as_ref(), &given) {
            return Ok(Json(before));
        }
        return Err(overtaken(&fact));
    }
    if fact.has_reason && who.role < Role::Manager {
        return Err(Problem::forbidden(
            "a reason is on record; correcting it needs the permission of a manager: ask one",
        ));
    }
    let version = form.version + 1;
    let fresh = write(&app, &who, &entry, form.about, on, version, &given).await?;
    let after = state(&app, &entry).await?;
    if !fresh
        && let Some(fact) = of_state(&after, form.about, &day_text(on))
        && !says_the_same(fact.now.as_ref(), &given)
    {
        return Err(overtaken(&fact));
    }
    Ok(Json(after))
}

async fn write(
    app: &App,
    who: &Principal,
    entry: &Entry,
    about: About,
    on: i32,
    version: i64,
    given: &Given,
) -> Result<bool> {
    let mut said = properties(given, who);
    said.insert("about".into(), json!(about));
    said.insert("on".into(), json!(day_text(on)));
    said.insert("version".into(), json!(version));
    let scene_at = said_at(app, entry, about, on).await?;
    let detail = json!({ "about": about, "on": day_text(on), "version": version, "reason": given.primary, "secondary": given.secondary });
    let recorded = Recorded {
        account: &entry.id,
        message_id: reason_id(&entry.id, about, on, version),
        name: "churn_reason_recorded",
        at: scene_at,
        properties: said,
    };
    Ok(record(app, who, "churn.reason", detail, vec![recorded]).await?)
}

/// The instant of what a reason speaks of, so that it counts in the same days: that of the source's last statement of the day, else noon.
async fn said_at(app: &App, entry: &Entry, about: About, on: i32) -> Result<i64> {
    let scene = Scene::of(app, &Who::default()).await?;
    let says = match about {
        About::Notice => Says::Notice,
        About::Cancellation => Says::Churned,
    };
    let at = scene
        .said(entry.no)
        .iter()
        .filter(|s| s.says == says && s.day == on)
        .map(|s| s.at)
        .max();
    Ok(at.unwrap_or_else(|| instant_of(app, on)))
}

/// Records a customer's notice to cancel, with its reason.
#[utoipa::path(post, path = "/api/v1/revenue/accounts/{id}/notices", tag = "revenue", params(("id" = String, Path, description = "The account's id")), request_body = NewEnd, responses((status = 200, body = AccountChurn)))]
pub async fn notice(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewEnd>,
) -> Result<Json<AccountChurn>> {
    let entry = find(&app, &id)?;
    let on = past_day(&app, "on", &form.on)?;
    let given = reason(
        &form.primary,
        &form.secondary,
        form.competitor.as_deref(),
        form.comment.as_deref(),
    )?;
    active_on(&entry, on, &form.on)?;
    let before = state(&app, &entry).await?;
    if let Some(fact) = of_state(&before, About::Notice, &day_text(on)) {
        return known_already(before, &fact, &given);
    }
    let recorded = Recorded {
        account: &entry.id,
        message_id: format!("tenure/churn_notice/{}/{}", day_text(on), entry.id),
        name: "churn_notice",
        at: instant_of(&app, on),
        properties: properties(&given, &who),
    };
    let detail = json!({ "on": day_text(on), "reason": given.primary, "secondary": given.secondary });
    record(&app, &who, "churn.notice", detail, vec![recorded]).await?;
    settle(&app, &entry, About::Notice, on, &given).await
}

/// What is there after recording; when somebody else recorded something else for the same day meanwhile, that is said.
async fn settle(
    app: &App,
    entry: &Entry,
    about: About,
    on: i32,
    given: &Given,
) -> Result<Json<AccountChurn>> {
    let after = state(app, entry).await?;
    match of_state(&after, about, &day_text(on)) {
        Some(fact) => known_already(after, &fact, given),
        // The account's own state follows within a moment.
        None => Ok(Json(after)),
    }
}

fn known_already(state: AccountChurn, fact: &ChurnFact, given: &Given) -> Result<Json<AccountChurn>> {
    if says_the_same(fact.now.as_ref(), given) {
        return Ok(Json(state));
    }
    Err(Problem::conflict(format!(
        "a {} of {} is on record already, with the reason {}: open it and give or correct its reason",
        fact.about.name(),
        fact.on,
        fact.now
            .as_ref()
            .and_then(|s| s.reason.as_deref())
            .unwrap_or(UNKNOWN),
    )))
}

fn active_on(entry: &Entry, day: i32, text: &str) -> Result<()> {
    if entry.head.span_at(day).is_some_and(|span| span.active) {
        return Ok(());
    }
    Err(Problem::field(
        "on",
        text,
        "is a day on which the account was not active",
        "give a day on which it was a customer",
    ))
}

/// Records the end of a customer, with its reason: every running subscription ends on that day.
#[utoipa::path(post, path = "/api/v1/revenue/accounts/{id}/cancellations", tag = "revenue", params(("id" = String, Path, description = "The account's id")), request_body = NewEnd, responses((status = 200, body = AccountChurn)))]
pub async fn cancellation(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewEnd>,
) -> Result<Json<AccountChurn>> {
    let entry = find(&app, &id)?;
    let on = past_day(&app, "on", &form.on)?;
    let given = reason(
        &form.primary,
        &form.secondary,
        form.competitor.as_deref(),
        form.comment.as_deref(),
    )?;
    let before = state(&app, &entry).await?;
    if let Some(fact) = of_state(&before, About::Cancellation, &day_text(on)) {
        return known_already(before, &fact, &given);
    }
    active_on(&entry, on, &form.on)?;
    active_on(&entry, on - 1, &form.on)?;
    let subscriptions = running(&entry, on);
    if subscriptions.is_empty() {
        return Err(Problem::conflict(
            "this account's dates come from its record, not from subscriptions: import its churned_on, then give the reason here",
        ));
    }
    let later = entry.head.spans.iter().any(|span| span.from > on && span.active);
    if later {
        return Err(Problem::field(
            "on",
            &form.on,
            "lies before a later change of its subscriptions",
            "give the day on which the last of them ended",
        ));
    }
    let at = instant_of(&app, on);
    let recorded = subscriptions
        .iter()
        .map(|subscription| {
            let mut said = properties(&given, &who);
            said.insert("subscription_id".into(), json!(subscription));
            Recorded {
                account: &entry.id,
                message_id: format!(
                    "tenure/churned/{}/{}/{subscription}",
                    day_text(on),
                    entry.id.replace('/', "%2F")
                ),
                name: "churned",
                at,
                properties: said,
            }
        })
        .collect();
    let detail = json!({ "on": day_text(on), "subscriptions": subscriptions, "reason": given.primary, "secondary": given.secondary });
    record(&app, &who, "churn.cancellation", detail, recorded).await?;
    settle(&app, &entry, About::Cancellation, on, &given).await
}

/// Records that a customer took its notice back, and how that was done.
#[utoipa::path(post, path = "/api/v1/revenue/accounts/{id}/saves", tag = "revenue", params(("id" = String, Path, description = "The account's id")), request_body = NewSave, responses((status = 200, body = AccountChurn)))]
pub async fn save(
    Csm(who): Csm,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<NewSave>,
) -> Result<Json<AccountChurn>> {
    let entry = find(&app, &id)?;
    let on = past_day(&app, "notice_on", &form.notice_on)?;
    let how = form.how.trim();
    let longest = crate::revenue::rules::reasons::LONGEST_COMMENT;
    if how.is_empty() || how.chars().count() > longest {
        return Err(Problem::field(
            "how",
            how.chars().take(40).collect::<String>(),
            format!("is empty or longer than {longest} characters"),
            "say in a sentence what made the customer stay",
        ));
    }
    let before = state(&app, &entry).await?;
    let fact = of_state(&before, About::Notice, &day_text(on)).ok_or_else(|| {
        Problem::field(
            "notice_on",
            &form.notice_on,
            "is the day of no notice of this account",
            "take the day from the account's list of notices",
        )
    })?;
    if fact.saved_on.is_some() {
        if fact.saved_how.as_deref() == Some(how) {
            return Ok(Json(before));
        }
        return Err(Problem::conflict(format!(
            "a save of the notice of {} is on record since {}",
            fact.on,
            fact.saved_on.unwrap_or_default()
        )));
    }
    if !before.active {
        return Err(Problem::conflict(
            "the account is not active any more: a save keeps a customer",
        ));
    }
    let mut said = Map::new();
    said.insert("author".into(), json!(who.actor));
    said.insert("comment".into(), json!(how));
    said.insert("notice_on".into(), json!(day_text(on)));
    let recorded = Recorded {
        account: &entry.id,
        message_id: format!("tenure/saved/{}/{}", day_text(on), entry.id),
        name: "saved",
        at: app.clock.micros(),
        properties: said,
    };
    let detail = json!({ "notice_on": day_text(on), "how": how });
    record(&app, &who, "churn.save", detail, vec![recorded]).await?;
    Ok(Json(state(&app, &entry).await?))
}
