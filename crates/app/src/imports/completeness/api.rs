//! Handlers of completeness.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::store;
use crate::App;
use crate::accounts::{ContactRow, all_contacts};
use crate::auth::Viewer;
use crate::metrics::Entry;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of completeness.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_completeness))
        .routes(routes!(lacking))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Only accounts of this segment, and their contacts.
    segment: Option<String>,
    /// `true` (default): active accounts only; `any`: all.
    active: Option<String>,
}

/// Where values of a field came from.
#[derive(Debug, Serialize, ToSchema)]
struct FieldSource {
    source: String,
    /// Values that it told, of all times.
    values: i64,
    last_at: String,
}

/// How complete a field is in a segment.
#[derive(Debug, Serialize, ToSchema)]
struct SegmentFill {
    segment: String,
    filled: usize,
    total: usize,
}

/// How complete a field is.
#[derive(Debug, Serialize, ToSchema)]
struct FieldFill {
    field: String,
    label: String,
    filled: usize,
    total: usize,
    /// Null = there is nobody to have it.
    share: Option<f64>,
    /// Whether the program says that each account should have it.
    required: bool,
    /// When a value of it was told last.
    updated_at: Option<String>,
    sources: Vec<FieldSource>,
    by_segment: Vec<SegmentFill>,
}

/// How complete what is known of accounts and contacts is.
#[derive(Debug, Serialize, ToSchema)]
struct Completeness {
    /// The instant that it is shown for.
    at: String,
    accounts: usize,
    contacts: usize,
    account_fields: Vec<FieldFill>,
    contact_fields: Vec<FieldFill>,
    /// Segments with accounts.
    segments: Vec<String>,
}

fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .unwrap_or_default()
        .to_string()
}

fn segment(entry: &Entry) -> &str {
    entry.now().map_or("unclassified", |span| span.segment.as_str())
}

/// The accounts that are asked about.
fn chosen(app: &App, asked: &Asked) -> Result<Vec<Arc<Entry>>> {
    let any = match asked.active.as_deref() {
        None | Some("true") => false,
        Some("any") => true,
        Some(other) => {
            let remedy = "ask for true or any";
            return Err(Problem::field("active", other, "is neither true nor any", remedy));
        }
    };
    let wanted = asked.segment.as_deref().filter(|it| !it.is_empty());
    Ok(app
        .metrics
        .book
        .all()
        .into_iter()
        .filter(|entry| any || entry.active())
        .filter(|entry| wanted.is_none_or(|it| segment(entry) == it))
        .collect())
}

fn full(value: Option<&Json_>) -> bool {
    match value {
        None | Some(Json_::Null) => false,
        Some(Json_::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

/// Fields of accounts: those that every account has a place for, those that the program declares, those that some account has.
fn account_fields(app: &App, entries: &[Arc<Entry>]) -> Vec<(String, String, bool)> {
    let mut fields = vec![
        ("name".to_owned(), "Name".to_owned(), true),
        ("owner".to_owned(), "Owner".to_owned(), false),
        ("mrr".to_owned(), "MRR".to_owned(), false),
    ];
    let mut seen: BTreeSet<String> = fields.iter().map(|(field, ..)| field.clone()).collect();
    if let Some(definitions) = app.definitions() {
        for it in &definitions.attributes {
            if seen.insert(it.id.clone()) {
                fields.push((it.id.clone(), it.label.clone(), it.required));
            }
        }
    }
    let more: BTreeSet<String> = entries
        .iter()
        .flat_map(|entry| entry.attributes.keys().cloned())
        .filter(|field| !seen.contains(field))
        .collect();
    fields.extend(more.into_iter().map(|field| (field.clone(), field, false)));
    fields
}

fn account_has(entry: &Entry, field: &str) -> bool {
    match field {
        // A stub is shown under its id; that is no knowledge of its name.
        "name" => !entry.stub && !entry.name.trim().is_empty(),
        "owner" => entry.owner.as_ref().is_some_and(|owner| !owner.is_empty()),
        "mrr" => entry.now().is_some_and(|span| span.mrr.is_some()) || full(entry.attributes.get("mrr")),
        _ => full(entry.attributes.get(field)),
    }
}

const CONTACT_FIELDS: [(&str, &str); 4] = [
    ("email", "E-mail"),
    ("name", "Name"),
    ("title", "Title"),
    ("role", "Role"),
];

fn contact_has(contact: &ContactRow, field: &str) -> bool {
    let some = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    match field {
        "email" => some(&contact.email),
        "name" => some(&contact.name),
        "title" => some(&contact.title),
        "role" => some(&contact.role),
        _ => full(contact.attributes.get(field)),
    }
}

fn contact_fields(contacts: &[(ContactRow, Arc<Entry>)]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = CONTACT_FIELDS
        .iter()
        .map(|(field, label)| ((*field).to_owned(), (*label).to_owned()))
        .collect();
    let more: BTreeSet<String> = contacts
        .iter()
        .filter_map(|(contact, _)| contact.attributes.as_object())
        .flat_map(|attributes| attributes.keys().cloned())
        .filter(|field| !fields.iter().any(|(known, _)| known == field))
        .collect();
    fields.extend(more.into_iter().map(|field| (field.clone(), field)));
    fields
}

/// The contacts of these accounts, each with its account.
async fn contacts_of(app: &App, entries: &[Arc<Entry>]) -> Result<Vec<(ContactRow, Arc<Entry>)>> {
    let by_id: HashMap<&str, &Arc<Entry>> = entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let all = all_contacts(&app.store).await?;
    Ok(all
        .into_iter()
        .filter_map(|contact| {
            let entry = Arc::clone(by_id.get(contact.account_id.as_deref()?)?);
            Some((contact, entry))
        })
        .collect())
}

/// Counts one field over items with their segments.
fn count<'a>(items: impl Iterator<Item = (&'a str, bool)>) -> (usize, usize, Vec<SegmentFill>) {
    let mut by: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (segment, has) in items {
        let it = by.entry(segment).or_default();
        it.0 += usize::from(has);
        it.1 += 1;
    }
    let filled = by.values().map(|it| it.0).sum();
    let total = by.values().map(|it| it.1).sum();
    let by_segment = by
        .into_iter()
        .map(|(segment, (filled, total))| SegmentFill {
            segment: segment.to_owned(),
            filled,
            total,
        })
        .collect();
    (filled, total, by_segment)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn share(filled: usize, total: usize) -> Option<f64> {
    (total > 0).then(|| filled as f64 / total as f64)
}

/// How complete each field of accounts and contacts is, by segment, and where its values come from.
#[utoipa::path(get, path = "/api/v1/completeness", tag = "imports", params(Asked), responses((status = 200, body = Completeness)))]
async fn show_completeness(
    _viewer: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Completeness>> {
    let entries = chosen(&app, &asked)?;
    let contacts = contacts_of(&app, &entries).await?;
    let mut told = store::told(&app.store).await?;
    let account_fields = account_fields(&app, &entries)
        .into_iter()
        .map(|(field, label, required)| {
            let (filled, total, by_segment) =
                count(entries.iter().map(|it| (segment(it), account_has(it, &field))));
            let sources = told.remove(&field).unwrap_or_default();
            FieldFill {
                share: share(filled, total),
                updated_at: sources.iter().map(|(.., at)| *at).max().map(instant),
                sources: sources
                    .into_iter()
                    .map(|(source, values, at)| FieldSource {
                        source,
                        values,
                        last_at: instant(at),
                    })
                    .collect(),
                field,
                label,
                filled,
                total,
                required,
                by_segment,
            }
        })
        .collect();
    let contact_fields = contact_fields(&contacts)
        .into_iter()
        .map(|(field, label)| {
            let (filled, total, by_segment) = count(
                contacts
                    .iter()
                    .map(|(it, entry)| (segment(entry), contact_has(it, &field))),
            );
            FieldFill {
                share: share(filled, total),
                updated_at: contacts
                    .iter()
                    .filter(|(it, _)| contact_has(it, &field))
                    .filter_map(|(it, _)| it.updated_at.clone())
                    .max(),
                sources: Vec::new(),
                field,
                label,
                filled,
                total,
                required: false,
                by_segment,
            }
        })
        .collect();
    let segments: BTreeSet<&str> = entries.iter().map(|entry| segment(entry)).collect();
    Ok(Json(Completeness {
        at: instant(app.clock.micros()),
        accounts: entries.len(),
        contacts: contacts.len(),
        account_fields,
        contact_fields,
        segments: segments.into_iter().map(str::to_owned).collect(),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct LackingQuery {
    /// Only accounts of this segment, and their contacts.
    segment: Option<String>,
    /// `true` (default): active accounts only; `any`: all.
    active: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<usize>,
    /// How many at most, 1–500; 100 when not given.
    limit: Option<usize>,
}

/// An account, or a contact of one, that lacks a field.
#[derive(Debug, Serialize, ToSchema)]
struct LackingItem {
    account_id: String,
    name: String,
    segment: String,
    owner: Option<String>,
    mrr: Option<f64>,
    /// The contact that lacks it, where contacts were asked for.
    contact_id: Option<String>,
}

/// Who lacks a field.
#[derive(Debug, Serialize, ToSchema)]
struct LackingPage {
    /// Accounts with the highest MRR first.
    items: Vec<LackingItem>,
    total: usize,
    /// Give it as `cursor` for the next page; null on the last one.
    next_cursor: Option<usize>,
}

/// Accounts, or contacts, that lack a field.
#[utoipa::path(get, path = "/api/v1/completeness/{object}/{field}", tag = "imports",
    params(("object" = String, Path, description = "`accounts` or `contacts`"), ("field" = String, Path), LackingQuery),
    responses((status = 200, body = LackingPage)))]
async fn lacking(
    _viewer: Viewer,
    State(app): State<App>,
    Path((object, field)): Path<(String, String)>,
    Query(query): Query<LackingQuery>,
) -> Result<Json<LackingPage>> {
    let asked = Asked {
        segment: query.segment,
        active: query.active,
    };
    let mut entries = chosen(&app, &asked)?;
    let mrr = |entry: &Entry| entry.now().and_then(|span| span.mrr);
    entries.sort_by(|a, b| {
        mrr(b)
            .unwrap_or(-1.0)
            .total_cmp(&mrr(a).unwrap_or(-1.0))
            .then_with(|| a.name.cmp(&b.name))
    });
    let lacks: Vec<(Arc<Entry>, Option<String>)> = match object.as_str() {
        "accounts" => {
            if !account_fields(&app, &entries)
                .iter()
                .any(|(known, ..)| *known == field)
            {
                return Err(unknown(&field));
            }
            entries
                .into_iter()
                .filter(|entry| !account_has(entry, &field))
                .map(|entry| (entry, None))
                .collect()
        }
        "contacts" => {
            let contacts = contacts_of(&app, &entries).await?;
            if !contact_fields(&contacts).iter().any(|(known, _)| *known == field) {
                return Err(unknown(&field));
            }
            contacts
                .into_iter()
                .filter(|(contact, _)| !contact_has(contact, &field))
                .map(|(contact, entry)| (entry, Some(contact.contact_id)))
                .collect()
        }
        other => {
            return Err(Problem::not_found(format!(
                "there are fields of accounts and of contacts, not of “{other}”"
            )));
        }
    };
    let (from, limit) = (
        query.cursor.unwrap_or(0),
        query.limit.unwrap_or(100).clamp(1, 500),
    );
    let total = lacks.len();
    let items: Vec<LackingItem> = lacks
        .into_iter()
        .skip(from)
        .take(limit)
        .map(|(entry, contact_id)| LackingItem {
            account_id: entry.id.clone(),
            name: entry.name.clone(),
            segment: segment(&entry).to_owned(),
            owner: entry.owner.clone(),
            mrr: mrr(&entry),
            contact_id,
        })
        .collect();
    let next_cursor = (from + items.len() < total).then_some(from + items.len());
    Ok(Json(LackingPage {
        items,
        total,
        next_cursor,
    }))
}

fn unknown(field: &str) -> Problem {
    Problem::not_found(format!(
        "nobody has a field “{field}”: see GET /api/v1/completeness"
    ))
}
