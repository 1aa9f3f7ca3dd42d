//! `GET /api/v1/accounts/{id}`: everything measured of one account.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};

use super::super::facts::date_of;
use super::super::{Entry, as_of};
use super::list::unit;
use super::{day_text, definitions, find};
use crate::App;
use crate::accounts::{self, AccountNo, ContactRow};
use crate::auth::Viewer;
use crate::definitions::{Definitions, Measure, Metric, MetricSource};
use crate::web::{Json as Body, Path, Problem, Query, Result};

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The day; today when left out.
    as_of: Option<String>,
}

/// One metric of an account.
#[derive(Serialize, ToSchema)]
pub struct MetricValue {
    id: String,
    label: String,
    description: String,
    unit: &'static str,
    /// null = no data.
    value: Option<f64>,
    /// The days that count, where the metric has a window, such as `30d`.
    window: Option<String>,
    /// First day that counts.
    first_day: Option<String>,
    /// What the value is made of, in words.
    explained: String,
}

/// A doubt about the account's data.
#[derive(Serialize, ToSchema)]
pub struct FlagLine {
    /// A stable code.
    code: String,
    /// What is in doubt and what settles it.
    message: String,
}

/// A run of a subscription at one MRR.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionLine {
    subscription_id: String,
    from_day: String,
    /// First day on which it no longer holds; null = running.
    to_day: Option<String>,
    mrr: Option<f64>,
    currency: Option<String>,
    reason: Option<String>,
}

/// A stretch of days in one segment.
#[derive(Serialize, ToSchema)]
#[schema(as = SegmentStretch)]
pub struct SegmentLine {
    from: String,
    /// First day after it; null = still.
    to: Option<String>,
    segment: String,
    /// The rule that took it there, where it is known: that of the present stretch.
    why: Option<String>,
}

/// A stretch of days at one MRR.
#[derive(Serialize, ToSchema)]
pub struct MrrLine {
    from: String,
    active: bool,
    mrr: Option<f64>,
}

/// One account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountPage)]
pub struct Page {
    /// The day that everything stands for.
    as_of: String,
    account_id: String,
    name: String,
    segment: Option<String>,
    /// Since when it is in that segment.
    segment_since: Option<String>,
    /// The rule that took it, with the values of that day.
    segment_why: String,
    owner: Option<String>,
    active: bool,
    started_on: Option<String>,
    churned_on: Option<String>,
    mrr: Option<f64>,
    currency: Option<String>,
    /// Whether nothing but its id is known.
    stub: bool,
    #[schema(value_type = HashMap<String, Value>)]
    attributes: Map<String, Json>,
    flags: Vec<FlagLine>,
    metrics: Vec<MetricValue>,
    subscriptions: Vec<SubscriptionLine>,
    contacts: Vec<ContactRow>,
    segment_history: Vec<SegmentLine>,
    mrr_history: Vec<MrrLine>,
    computed_at: String,
}

/// Everything measured of one account, as of a day.
#[utoipa::path(get, path = "/api/v1/accounts/{id}", tag = "accounts", params(("id" = String, Path), Asked), responses((status = 200, body = Page)))]
pub async fn page(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Body<Page>> {
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let (_, page) = account_on(&app, &id, day).await?;
    Ok(Body(page))
}

/// Everything measured of one account on a day, with the state that it is made of.
///
/// # Errors
/// When there is no such account, or the records fail.
pub async fn account_on(app: &App, id: &str, day: i32) -> Result<(Arc<Entry>, Page)> {
    let definitions = definitions(app)?;
    let now = find(app, id)?;
    let entry = if day == now.head.day {
        now
    } else {
        let plan = app
            .metrics
            .plan()
            .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
        let mut past = as_of::some(app, &plan, &[now.no], day).await?;
        past.pop().map(Arc::new).unwrap_or(now)
    };
    let contacts = accounts::contacts_of(&app.store, AccountNo::new(entry.no), 200).await?;
    let page = shape(&definitions, &entry, day, contacts);
    Ok((entry, page))
}

fn shape(definitions: &Definitions, entry: &Entry, day: i32, contacts: Vec<ContactRow>) -> Page {
    let head = &entry.head;
    let span = head.span_at(day);
    let life = head.lives().into_iter().rev().find(|life| life.0 <= day);
    let segments = segments(entry, day);
    Page {
        as_of: day_text(day),
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        segment: span.map(|s| s.segment.clone()),
        segment_since: segments.last().map(|s| s.from.clone()),
        segment_why: head.why.clone(),
        owner: span.and_then(|s| s.owner.clone()),
        active: span.is_some_and(|s| s.active),
        started_on: life.map(|l| day_text(l.0)),
        churned_on: life.map(|l| l.1).filter(|end| *end <= day).map(day_text),
        mrr: span.and_then(|s| s.mrr),
        currency: head
            .currency
            .clone()
            .or_else(|| Some(definitions.program.currency.clone())),
        stub: entry.stub,
        attributes: entry.attributes.clone(),
        flags: head
            .flags
            .iter()
            .map(|f| FlagLine {
                code: f.code.clone(),
                message: f.message.clone(),
            })
            .collect(),
        metrics: definitions
            .metrics
            .iter()
            .enumerate()
            .map(|(at, m)| metric(m, head.metrics.get(at).copied(), day))
            .collect(),
        subscriptions: subscriptions(entry, day),
        contacts,
        segment_history: segments,
        mrr_history: mrr(entry, day),
        computed_at: as_of::instant(entry.computed_at),
    }
}

fn metric(metric: &Metric, value: Option<f64>, day: i32) -> MetricValue {
    let value = value.filter(|v| !v.is_nan());
    let (window, explained) = match &metric.source {
        MetricSource::Expr { expr } => (None, expr.clone()),
        MetricSource::Events(measure) => {
            let what = measure
                .events
                .iter()
                .cloned()
                .chain(measure.kinds.iter().map(|k| format!("all {} events", k.name())));
            let mut text = format!(
                "{} of {}",
                verb(measure.measure),
                what.collect::<Vec<_>>().join(", ")
            );
            if let Some(of) = &measure.of {
                text = format!("{text}, reading {of}");
            }
            if let Some(filter) = &measure.filter {
                text = format!("{text}, where {filter}");
            }
            (measure.window.map(|days| days.0), text)
        }
    };
    let first = window.map(|days| day - i32::try_from(days).unwrap_or(i32::MAX).saturating_sub(1));
    MetricValue {
        id: metric.id.clone(),
        label: metric.label.clone(),
        description: metric.description.clone(),
        unit: unit(metric.unit),
        value,
        window: window.map(|days| format!("{days}d")),
        first_day: first.map(day_text),
        explained: match first {
            Some(first) => format!("{explained}, from {} to {}", date_of(first), date_of(day)),
            None => explained,
        },
    }
}

fn verb(measure: Measure) -> &'static str {
    match measure {
        Measure::Count => "number",
        Measure::Sum => "sum",
        Measure::Distinct => "number of different values",
        Measure::Latest => "latest value",
        Measure::Earliest => "earliest value",
        Measure::DaysSince => "days since the latest",
        Measure::Min => "least value",
        Measure::Max => "greatest value",
        Measure::Mean => "mean",
    }
}

fn subscriptions(entry: &Entry, day: i32) -> Vec<SubscriptionLine> {
    let known = entry.head.subscriptions.iter().filter(|s| s.from <= day);
    let line = |s: &super::super::lifecycle::SubscriptionSpan| SubscriptionLine {
        subscription_id: s.subscription.clone(),
        from_day: day_text(s.from),
        to_day: s.to.filter(|to| *to <= day).map(day_text),
        mrr: s.mrr,
        currency: s.currency.clone(),
        reason: s.reason.clone(),
    };
    known.map(line).collect()
}

fn segments(entry: &Entry, day: i32) -> Vec<SegmentLine> {
    let mut lines: Vec<SegmentLine> = Vec::new();
    for span in entry.head.spans.iter().filter(|s| s.from <= day) {
        match lines.last_mut() {
            Some(last) if last.segment == span.segment => last.to = None,
            last => {
                if let Some(last) = last {
                    last.to = Some(day_text(span.from));
                }
                lines.push(SegmentLine {
                    from: day_text(span.from),
                    to: None,
                    segment: span.segment.clone(),
                    why: None,
                });
            }
        }
    }
    if let Some(last) = lines.last_mut() {
        last.why = Some(entry.head.why.clone());
    }
    lines
}

fn mrr(entry: &Entry, day: i32) -> Vec<MrrLine> {
    let mut lines: Vec<MrrLine> = Vec::new();
    for span in entry.head.spans.iter().filter(|s| s.from <= day) {
        if lines
            .last()
            .is_none_or(|last| last.mrr != span.mrr || last.active != span.active)
        {
            lines.push(MrrLine {
                from: day_text(span.from),
                active: span.active,
                mrr: span.mrr,
            });
        }
    }
    lines
}
