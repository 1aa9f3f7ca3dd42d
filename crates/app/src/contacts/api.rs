//! Handlers of contacts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tenure_store::new_id;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::store::{self, Change, ConsentLine, ContactItem, Filter};
use super::{Flag, index};
use crate::App;
use crate::accounts::{Known, normalise};
use crate::auth::{Csm, Principal, Viewer, audit};
use crate::events::{self, Chunk, Event, Kind, TimelineFilter, TimelineItem};
use crate::metrics::as_of;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// Events that a contact's page shows.
const EVENTS: usize = 50;

/// The routes of the slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(set_flag, unset_flag))
        .routes(routes!(set_consent))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only contacts of the account with this id.
    account: Option<String>,
    /// Only contacts whose id, name, title or e-mail address holds this text.
    q: Option<String>,
    /// Only contacts with this flag: champion, sponsor, decision_maker or user.
    flag: Option<String>,
    /// Only contacts that agreed to this topic; `!topic`: that refused it.
    consent: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1–500; 100 when not given.
    limit: Option<u32>,
}

/// A page of contacts.
#[derive(Debug, Serialize, ToSchema)]
struct ContactsPage {
    items: Vec<ContactItem>,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
    /// Topics that anybody was asked about.
    topics: Vec<String>,
}

/// Contacts, ordered by id.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "contacts", params(ListQuery), responses((status = 200, body = ContactsPage)))]
async fn list(
    _: Viewer,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ContactsPage>> {
    /// So many are asked for by their ids; more than these fill pages quickly by themselves.
    const FEW: usize = 400;
    let limit = query.limit.unwrap_or(100).clamp(1, 500) as usize;
    let given = |text: &Option<String>| {
        text.as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| text.replace('\0', ""))
    };
    let text = given(&query.q);
    let ids = match &text {
        Some(text) => index::all_with(&app, &text.to_lowercase(), FEW).await?,
        None => None,
    };
    let filter = Filter {
        ids,
        account: match query.account.as_deref() {
            None => None,
            Some(raw) => Some(account_no(&app, raw)?),
        },
        text,
        flag: given(&query.flag).map(|flag| parse_flag(&flag)).transpose()?,
        consent: match given(&query.consent) {
            None => None,
            Some(text) => Some(match text.strip_prefix('!') {
                Some(topic) => (topic_of(topic)?, false),
                None => (topic_of(&text)?, true),
            }),
        },
        after: query.cursor.unwrap_or_default().replace('\0', ""),
        limit: limit as i64 + 1,
    };
    let mut items = store::page(&app.store, &filter).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items
        .last()
        .filter(|_| more)
        .map(|contact| contact.contact_id.clone());
    Ok(Json(ContactsPage {
        items,
        next_cursor,
        topics: store::topics(&app.store).await?,
    }))
}

fn account_no(app: &App, raw: &str) -> Result<i64> {
    let id = normalise(raw).ok().flatten();
    id.and_then(|id| app.accounts.shown(&id))
        .map(|no| no.get())
        .ok_or_else(|| {
            Problem::not_found(format!(
                "no account has the id “{raw}”: see GET /api/v1/accounts for those that are there"
            ))
        })
}

fn parse_flag(name: &str) -> Result<Flag> {
    Flag::parse(name).ok_or_else(|| {
        Problem::field(
            "flag",
            name,
            "is no flag",
            "use champion, sponsor, decision_maker or user",
        )
    })
}

/// A topic in its one form.
fn topic_of(raw: &str) -> Result<String> {
    let topic = raw.trim().to_lowercase();
    let fits = (1..=60).contains(&topic.len())
        && topic
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if fits {
        return Ok(topic);
    }
    Err(Problem::field(
        "topic",
        raw,
        "is not a topic",
        "write 1 to 60 small letters, digits, _ and -, such as product_news",
    ))
}

/// The contact that an id or an alias stands for; one that was merged into another is shown in that.
async fn find(app: &App, raw: &str) -> Result<Known> {
    let missing = || {
        Problem::not_found(format!(
            "no contact has the id “{raw}”: see GET /api/v1/contacts for those that are there"
        ))
    };
    let id = normalise(raw).ok().flatten().ok_or_else(missing)?;
    let known = app.accounts.contact(&id).ok_or_else(missing)?;
    match store::survivor(&app.store, &known.id).await? {
        Some(survivor) => app.accounts.contact(&survivor).ok_or_else(missing),
        None => Ok(known),
    }
}

/// One contact.
#[derive(Debug, Serialize, ToSchema)]
struct ContactPage {
    contact: ContactItem,
    /// Every answer to a topic, newest first.
    consent_history: Vec<ConsentLine>,
    /// What it did and was sent, newest first; at most 50.
    events: Vec<TimelineItem>,
    /// Topics that anybody was asked about.
    topics: Vec<String>,
    computed_at: String,
}

/// One contact: facts, part, consents with their history, and what happened with it.
#[utoipa::path(get, path = "/api/v1/contacts/{id}", tag = "contacts", params(("id" = String, Path)), responses((status = 200, body = ContactPage)))]
async fn show(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<ContactPage>> {
    let known = find(&app, &id).await?;
    page(&app, &known).await.map(Json)
}

async fn page(app: &App, known: &Known) -> Result<ContactPage> {
    let contact = store::one(&app.store, &known.id).await?.ok_or_else(|| {
        Problem::not_found(format!(
            "no contact has the id “{}”: it may have been erased",
            known.id
        ))
    })?;
    // What was sent about any of those that are one is shown as that one's, under whichever account it was sent.
    let mut accounts = vec![app.accounts.root(known.account)];
    for id in store::merged_into(&app.store, &known.id).await? {
        let account = app.accounts.contact(&id).map_or(known.account, |it| it.account);
        let account = app.accounts.root(account);
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    let filter = TimelineFilter {
        contact: Some(known.id.clone()),
        limit: EVENTS,
        ..TimelineFilter::default()
    };
    let mut rows = Vec::new();
    for account in accounts {
        rows.extend(events::timeline(app, account.get(), &filter).await?);
    }
    rows.sort_by(|a, b| (b.occurred_at, &b.message_id).cmp(&(a.occurred_at, &a.message_id)));
    rows.truncate(EVENTS);
    Ok(ContactPage {
        contact,
        consent_history: store::consents(&app.store, &known.id).await?,
        events: rows.into_iter().map(events::timeline_item).collect(),
        topics: store::topics(&app.store).await?,
        computed_at: as_of::instant(app.clock.micros()),
    })
}

/// Says that a contact plays a part.
#[utoipa::path(put, path = "/api/v1/contacts/{id}/flags/{flag}", tag = "contacts", params(("id" = String, Path), ("flag" = String, Path)), responses((status = 200, body = ContactPage)))]
async fn set_flag(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, flag)): Path<(String, String)>,
) -> Result<Json<ContactPage>> {
    let flag = parse_flag(&flag)?;
    apply(&app, &who, &id, Change::Flag(flag, true)).await
}

/// Says that a contact no longer plays a part.
#[utoipa::path(delete, path = "/api/v1/contacts/{id}/flags/{flag}", tag = "contacts", params(("id" = String, Path), ("flag" = String, Path)), responses((status = 200, body = ContactPage)))]
async fn unset_flag(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, flag)): Path<(String, String)>,
) -> Result<Json<ContactPage>> {
    let flag = parse_flag(&flag)?;
    apply(&app, &who, &id, Change::Flag(flag, false)).await
}

/// An answer to a topic.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentAnswer {
    granted: bool,
    /// How it is known: `form`, `call`, `contract`, …
    source: String,
    /// In words.
    #[serde(default)]
    note: String,
}

/// Notes what a contact agreed to, or no longer agrees to.
#[utoipa::path(put, path = "/api/v1/contacts/{id}/consents/{topic}", tag = "contacts", params(("id" = String, Path), ("topic" = String, Path)), request_body = ConsentAnswer, responses((status = 200, body = ContactPage)))]
async fn set_consent(
    Csm(who): Csm,
    State(app): State<App>,
    Path((id, topic)): Path<(String, String)>,
    Json(form): Json<ConsentAnswer>,
) -> Result<Json<ContactPage>> {
    let topic = topic_of(&topic)?;
    let source = short("source", &form.source, 1, 60)?;
    let note = short("note", &form.note, 0, 1_000)?;
    let change = Change::Consent {
        topic,
        granted: form.granted,
        source,
        note,
    };
    apply(&app, &who, &id, change).await
}

fn short(field: &str, raw: &str, least: usize, most: usize) -> Result<String> {
    let text = raw.trim();
    let fits =
        (least..=most).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() && c != '\n');
    if fits {
        return Ok(text.to_owned());
    }
    Err(Problem::field(
        field,
        raw,
        format!("is not {least} to {most} visible characters"),
        "write it in words, without control characters",
    ))
}

/// Keeps a change with its event and its audit row. What is already so is noted in the audit only.
async fn apply(app: &App, who: &Principal, raw: &str, change: Change) -> Result<Json<ContactPage>> {
    let known = find(app, raw).await?;
    let before = store::one(&app.store, &known.id).await?.ok_or_else(|| {
        Problem::not_found(format!("no contact has the id “{raw}”: it may have been erased"))
    })?;
    let now = app.clock.micros();
    let id = new_id(&app.clock);
    let (name, detail, changed) = match &change {
        Change::Flag(flag, held) => (
            "contact_flag_changed",
            json!({ "flag": flag, "held": held, "by": who.actor }),
            before.flags.contains(flag) != *held,
        ),
        Change::Consent {
            topic,
            granted,
            source,
            note,
        } => (
            "consent_changed",
            json!({ "topic": topic, "granted": granted, "source": source, "note": note, "by": who.actor }),
            before.consents.get(topic) != Some(granted),
        ),
    };
    let event = Event {
        message_id: format!("tenure/contact/{id}"),
        account: known.account_id.clone(),
        contact: Some(known.id.clone()),
        name: name.to_owned(),
        kind: Kind::Account,
        occurred_at: now,
        received_at: now,
        source: "tenure".to_owned(),
        properties: detail.as_object().cloned().unwrap_or_else(Map::new),
    };
    let chunk = Chunk {
        source: "tenure".to_owned(),
        events: if changed { vec![event] } else { Vec::new() },
        changes: Vec::new(),
    };
    let (clock, who, contact) = (app.clock.clone(), who.clone(), known.id.clone());
    let action = match change {
        Change::Flag(..) => "contact.flag",
        Change::Consent { .. } => "contact.consent",
    };
    events::append_chunk(app, chunk, true, move |tx, _| {
        Box::pin(async move {
            if changed {
                store::put(tx, &id, &contact, &change, now, &who.actor).await?;
            }
            let subject = format!("contact:{contact}");
            audit(tx, &clock, &who, action, &subject, &detail).await
        })
    })
    .await?;
    page(app, &known).await.map(Json)
}
