//! `GET /api/v1/accounts`: search, filter, sort, page.

mod order;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::{IntoParams, ToSchema};

use super::super::marks::{Mark, Marked, Marks, marks};
use super::super::{Entry, Span, as_of};
use super::definitions;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{AttributeType, Definitions, Unit};
use crate::web::sheet::{Cell, Kind, Sheet, download};
use crate::web::{Json as Body, Path, Problem, Query, Result};

pub use order::Lists;

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Part of the name or id, in any case.
    q: Option<String>,
    /// A segment's id, or several with commas between.
    segment: Option<String>,
    /// An owner's e-mail address; `(none)` = without an owner.
    owner: Option<String>,
    /// `true` (default): active ones; `false`: the others; `any`: both.
    active: Option<String>,
    /// Bands of the score, with commas between: `green`, `yellow`, `red`, `none` (without a score).
    band: Option<String>,
    /// A SQL expression over attributes, metrics and built-in names, such as `logins_30d < 5 AND mrr > 1000`.
    filter: Option<String>,
    /// A column, `score` or `velocity`, with `-` before it for descending order (default `-mrr`).
    sort: Option<String>,
    /// Metrics and attributes to give with each account, with commas between; none when left out.
    columns: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows of a page, 1 to 500 (default 100).
    limit: Option<usize>,
    /// The day; today when left out.
    as_of: Option<String>,
}

/// A column that can be shown, sorted and filtered by.
#[derive(Serialize, ToSchema)]
pub struct ColumnInfo {
    /// Its name in expressions.
    id: String,
    /// The name that people read.
    label: String,
    /// integer, number, text, boolean, date or money.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its unit, for metrics.
    unit: Option<&'static str>,
}

/// One account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountItem)]
pub struct Item {
    account_id: String,
    name: String,
    segment: Option<String>,
    owner: Option<String>,
    active: bool,
    /// In the currency's major unit; null = unknown.
    mrr: Option<f64>,
    currency: Option<String>,
    /// Number of doubts about its data.
    flags: usize,
    /// Its score; null = it is not active, or the program has no score.
    score: Option<Mark>,
    /// The columns asked for.
    #[schema(value_type = HashMap<String, Value>)]
    values: Map<String, Json>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountList)]
pub struct Page {
    /// The day that everything stands for.
    as_of: String,
    /// The accounts.
    items: Vec<Item>,
    /// How many there are on all pages.
    total: usize,
    /// Σ MRR of the active ones on all pages.
    mrr_total: f64,
    /// The currency of MRR where an account does not name its own.
    currency_default: String,
    /// The next page; null = this is the last.
    next_cursor: Option<String>,
    /// The score that is shown; null = the program has none.
    score: Option<Marked>,
    /// The columns that may be asked for.
    columns: Vec<ColumnInfo>,
    /// When the oldest shown state was computed.
    computed_at: String,
}

/// Accounts with their segment, MRR and chosen measures.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(Asked), responses((status = 200, body = Page)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Body<Page>> {
    let definitions = definitions(&app)?;
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let offset = offset(asked.cursor.as_deref())?;
    let limit = asked.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::field(
            "limit",
            limit,
            "is not between 1 and 500",
            "ask for fewer rows and follow next_cursor",
        ));
    }
    let columns = chosen(&definitions, asked.columns.as_deref())?;
    let marks = marks(&app, day).await?;
    let (total, mrr, shown) = if day == super::super::today(&app) {
        let order = order::today(&app, &definitions, day, &asked, marks.as_ref())?;
        let nos = order.nos.iter().skip(offset).take(limit);
        let shown: Vec<Arc<Entry>> = nos.filter_map(|no| app.metrics.book.get(*no)).collect();
        (order.nos.len(), order.mrr, shown)
    } else {
        let entries = as_of::entries(&app, day).await?;
        let (places, mrr) = order::choose(&app, &definitions, &entries[..], day, &asked, marks.as_deref())?;
        let shown = places.iter().skip(offset).take(limit);
        let shown = shown.map(|at| Arc::clone(&entries[*at])).collect();
        (places.len(), mrr, shown)
    };
    let items: Vec<Item> = shown
        .iter()
        .map(|e| item(&definitions, e, day, &columns, marks.as_deref()))
        .collect();
    let computed_at = shown.iter().map(|e| e.computed_at).min();
    let computed_at = computed_at.unwrap_or_else(|| app.clock.micros());
    let next = offset.saturating_add(items.len());
    Ok(Body(Page {
        as_of: super::day_text(day),
        items,
        total,
        mrr_total: mrr,
        currency_default: definitions.program.currency.clone(),
        next_cursor: (next < total).then(|| next.to_string()),
        score: marks.as_ref().map(|marks| marks.head()),
        columns: column_infos(&definitions),
        computed_at: as_of::instant(computed_at),
    }))
}

/// The accounts that a filter chooses, as a file: `csv` or `xlsx`. Cursor and limit do not matter here.
#[utoipa::path(get, path = "/api/v1/exports/accounts/{format}", tag = "accounts", params(("format" = String, Path, description = "csv or xlsx"), Asked), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub async fn export(
    _: Viewer,
    State(app): State<App>,
    Path(format): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let kind = Kind::named(&format)?;
    let definitions = definitions(&app)?;
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let columns = chosen(&definitions, asked.columns.as_deref())?;
    let entries = as_of::entries(&app, day).await?;
    let marks = marks(&app, day).await?;
    let (places, _) = order::choose(&app, &definitions, &entries[..], day, &asked, marks.as_deref())?;
    let kept: Vec<&Arc<Entry>> = places.into_iter().map(|at| &entries[at]).collect();
    let computed = kept.iter().map(|e| e.computed_at).min();
    let day_said = super::day_text(day);
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "all".to_owned());
    let filters = format!(
        "segment: {}; owner: {}; active: {}; band: {}; condition: {}",
        said(&asked.segment),
        said(&asked.owner),
        asked.active.as_deref().unwrap_or("true"),
        said(&asked.band),
        asked.filter.as_deref().unwrap_or("none")
    );
    let about = [
        ("Accounts of", definitions.program.title.clone()),
        ("Filters", filters),
        ("As of", day_said.clone()),
        (
            "Computed at",
            as_of::instant(computed.unwrap_or_else(|| app.clock.micros())),
        ),
    ];
    let mut head = [
        "Account id",
        "Account",
        "Segment",
        "Owner",
        "Active",
        "MRR",
        "Currency",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(marks) = &marks {
        head.extend([
            marks.head().label,
            "Band".into(),
            "Velocity".into(),
            "Moves".into(),
        ]);
    }
    head.extend(columns.iter().cloned());
    let sheet = Sheet {
        name: "Accounts".to_owned(),
        about: about.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        head,
        rows: kept
            .iter()
            .map(|e| {
                let marks = marks.as_deref();
                cells(
                    item(&definitions, e, day, &columns, marks),
                    &columns,
                    marks.is_some(),
                )
            })
            .collect(),
    };
    download(&["accounts", &day_said], kind, &[sheet])
}

fn cells(item: Item, columns: &[String], scored: bool) -> Vec<Cell> {
    let words = |text: Option<String>| text.map_or(Cell::Empty, Cell::Text);
    let mut row = vec![
        Cell::Text(item.account_id),
        Cell::Text(item.name),
        words(item.segment),
        words(item.owner),
        Cell::Flag(item.active),
        Cell::number(item.mrr, Some("money")),
        words(item.currency),
    ];
    if scored {
        let mark = item.score;
        let way = mark.as_ref().and_then(|mark| mark.velocity.as_ref());
        row.extend([
            Cell::number(mark.as_ref().and_then(|mark| mark.points), Some("points")),
            words(mark.as_ref().and_then(|mark| mark.band).map(str::to_owned)),
            Cell::number(way.map(|way| way.value), Some("points")),
            words(way.map(|way| way.state.to_owned())),
        ]);
    }
    row.extend(columns.iter().map(|name| match item.values.get(name) {
        None | Some(Json::Null) => Cell::Empty,
        Some(Json::Bool(value)) => Cell::Flag(*value),
        Some(Json::Number(value)) => Cell::number(value.as_f64(), None),
        Some(Json::String(text)) => Cell::text(text.clone()),
        Some(other) => Cell::text(other.to_string()),
    }));
    row
}

fn offset(cursor: Option<&str>) -> Result<usize> {
    match cursor {
        None | Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| {
            Problem::field(
                "cursor",
                text,
                "is not a cursor",
                "send `next_cursor` of the page before, unchanged",
            )
        }),
    }
}

/// Everything that may be shown besides the fixed columns.
fn column_infos(definitions: &Definitions) -> Vec<ColumnInfo> {
    let attribute = definitions.attributes.iter().map(|a| ColumnInfo {
        id: a.id.clone(),
        label: a.label.clone(),
        kind: type_name(a.kind),
        unit: None,
    });
    let metric = definitions.metrics.iter().map(|m| ColumnInfo {
        id: m.id.clone(),
        label: m.label.clone(),
        kind: "number",
        unit: Some(unit(m.unit)),
    });
    attribute.chain(metric).collect()
}

fn type_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Integer => "integer",
        AttributeType::Number => "number",
        AttributeType::Text => "text",
        AttributeType::Boolean => "boolean",
        AttributeType::Date => "date",
        AttributeType::Money => "money",
    }
}

/// The name of a metric's unit.
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "ratio",
        Unit::Number => "number",
        Unit::Money => "money",
        Unit::Points => "points",
        Unit::Days => "days",
        Unit::Hours => "hours",
    }
}

fn chosen(definitions: &Definitions, columns: Option<&str>) -> Result<Vec<String>> {
    let names: Vec<String> = columns
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    for name in &names {
        if definitions.attribute(name).is_none()
            && definitions.metric(name).is_none()
            && !FIXED.contains(&name.as_str())
        {
            return Err(unknown_column("columns", definitions, name));
        }
    }
    Ok(names)
}

const FIXED: [&str; 9] = [
    "account_id",
    "name",
    "segment",
    "owner",
    "active",
    "mrr",
    "started_on",
    "days_active",
    "currency",
];

fn unknown_column(field: &str, definitions: &Definitions, name: &str) -> Problem {
    let known = definitions
        .attributes
        .iter()
        .map(|a| a.id.as_str())
        .chain(definitions.metrics.iter().map(|m| m.id.as_str()));
    let nearest = known
        .chain(FIXED)
        .min_by_key(|known| strsim::levenshtein(known, name))
        .unwrap_or("name");
    Problem::field(
        field,
        name,
        "is no attribute, metric or built-in name",
        format!("did you mean {nearest}?"),
    )
}

/// A fixed column or an attribute.
fn fixed(entry: &Entry, name: &str, day: i32) -> Option<Json> {
    let span: Option<&Span> = entry.head.span_at(day);
    let started = || {
        entry
            .head
            .lives()
            .iter()
            .rev()
            .find(|life| life.0 <= day)
            .map(|life| life.0)
    };
    match name {
        "account_id" => Some(json!(entry.id)),
        "name" => Some(json!(entry.name)),
        "segment" => span.map(|s| json!(s.segment)),
        "owner" => span.and_then(|s| s.owner.as_ref()).map(|o| json!(o)),
        "active" => Some(json!(span.is_some_and(|s| s.active))),
        "mrr" => span.and_then(|s| s.mrr).map(|mrr| json!(mrr)),
        "currency" => entry.head.currency.as_ref().map(|c| json!(c)),
        "started_on" => started().map(|d| json!(super::day_text(d))),
        "days_active" => started().map(|d| json!(day - d)),
        attribute => entry.attributes.get(attribute).filter(|v| !v.is_null()).cloned(),
    }
}

fn item(
    definitions: &Definitions,
    entry: &Entry,
    day: i32,
    columns: &[String],
    marks: Option<&dyn Marks>,
) -> Item {
    let span = entry.head.span_at(day);
    let value = |name: &String| {
        let metric = definitions.metrics.iter().position(|m| &m.id == name);
        let value = match metric {
            Some(at) => entry
                .head
                .metrics
                .get(at)
                .copied()
                .filter(|v| !v.is_nan())
                .map(|v| json!(v)),
            None => fixed(entry, name, day),
        };
        (name.clone(), value.unwrap_or(Json::Null))
    };
    Item {
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        segment: span.map(|s| s.segment.clone()),
        owner: span.and_then(|s| s.owner.clone()),
        active: span.is_some_and(|s| s.active),
        mrr: span.and_then(|s| s.mrr),
        currency: entry
            .head
            .currency
            .clone()
            .or_else(|| Some(definitions.program.currency.clone())),
        flags: entry.head.flags.len(),
        score: marks.and_then(|marks| marks.of(entry.no)),
        values: columns.iter().map(value).collect(),
    }
}
