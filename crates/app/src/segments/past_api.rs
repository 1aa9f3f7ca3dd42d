//! Handlers of the segments' past: membership over time and flow between segments. Both follow the rules in force, applied to each day.

use axum::extract::State;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::api::definitions;
use super::flow::{OUTSIDE, along, between, history};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::facts::{date_of, day_number};
use crate::metrics::{as_of, today};
use crate::web::{Json, Problem, Query, Result, routes};

/// Most days of a history.
const MOST_POINTS: usize = 800;
/// Most steps of a flow.
const MOST_STEPS: usize = 36;

/// The routes of the segments' past.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(membership))
        .routes(routes!(flow))
        .routes(routes!(flow_accounts))
}

/// Which days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// First day; a year before `to` when left out.
    from: Option<String>,
    /// Last day; today when left out.
    to: Option<String>,
    /// `month` (default), `day`, `quarter` or `year`: the ends of these, and `to` itself last.
    grain: Option<String>,
}

/// The days asked for, ascending, the last day of each whole period and `to`.
fn days(app: &App, asked: &Asked, most: usize) -> Result<(String, Vec<i32>)> {
    let to = as_of::day(app, asked.to.as_deref())?;
    let from = match asked.from.as_deref() {
        Some(text) => as_of::day(app, Some(text))?,
        None => day_number(date_of(to).saturating_sub(jiff::Span::new().months(12))),
    };
    if from > to {
        return Err(Problem::field(
            "from",
            date_of(from),
            "lies after `to`",
            "give an earlier first day",
        ));
    }
    let grain = asked.grain.clone().unwrap_or_else(|| "month".into());
    let ends = |day: Date| match grain.as_str() {
        "month" => Some(day == day.last_of_month()),
        "quarter" => Some(day == day.last_of_month() && day.month() % 3 == 0),
        "year" => Some(day.month() == 12 && day.day() == 31),
        "day" => Some(true),
        _ => None,
    };
    if ends(date_of(to)).is_none() {
        let remedy = "ask for day, month, quarter or year";
        return Err(Problem::field("grain", grain, "is not known here", remedy));
    }
    let mut days: Vec<i32> = (from..to)
        .filter(|day| ends(date_of(*day)) == Some(true))
        .collect();
    days.push(to);
    if days.len() > most {
        let problem = format!("asks for {} days; at most {most} are given", days.len());
        return Err(Problem::field(
            "from",
            date_of(from),
            problem,
            "shorten the range or ask for a coarser grain",
        ));
    }
    Ok((grain, days))
}

/// A segment on one day.
#[derive(Serialize, ToSchema)]
struct Membership {
    /// The segment, or `unclassified`.
    segment: String,
    /// Active accounts in it.
    accounts: usize,
    /// Their MRR.
    mrr: f64,
}

/// All segments on one day.
#[derive(Serialize, ToSchema)]
struct MembershipPoint {
    day: String,
    segments: Vec<Membership>,
}

/// Who was where over time.
#[derive(Serialize, ToSchema)]
struct MembershipHistory {
    grain: String,
    currency: String,
    /// Oldest first.
    points: Vec<MembershipPoint>,
    computed_at: String,
}

/// How many active accounts each segment had, day by day or at the ends of months, under the rules in force.
#[utoipa::path(get, path = "/api/v1/segments/history", tag = "segments", params(Asked), responses((status = 200, body = MembershipHistory)))]
async fn membership(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<MembershipHistory>> {
    let definitions = definitions(&app)?;
    let (grain, days) = days(&app, &asked, MOST_POINTS)?;
    let entries = app.metrics.book.all();
    let points = history(&entries, &days)
        .into_iter()
        .zip(&days)
        .map(|(point, day)| MembershipPoint {
            day: date_of(*day).to_string(),
            segments: point
                .into_iter()
                .map(|(segment, size)| Membership {
                    segment,
                    accounts: size.accounts,
                    mrr: size.mrr,
                })
                .collect(),
        })
        .collect();
    Ok(Json(MembershipHistory {
        grain,
        currency: definitions.program.currency.clone(),
        points,
        computed_at: computed_at(&app),
    }))
}

fn computed_at(app: &App) -> String {
    let oldest = app.metrics.book.all().iter().map(|entry| entry.computed_at).min();
    as_of::instant(oldest.unwrap_or_else(|| app.clock.micros()))
}

/// Accounts that went one way.
#[derive(Serialize, ToSchema)]
struct FlowLink {
    /// The segment on the first day; null = not a customer yet.
    from: Option<String>,
    /// The segment on the second day; null = no customer any more.
    to: Option<String>,
    accounts: usize,
    /// Their MRR on the first day.
    mrr_before: f64,
    /// Their MRR on the second day.
    mrr_after: f64,
}

/// From one day to the next.
#[derive(Serialize, ToSchema)]
struct FlowStep {
    from_day: String,
    to_day: String,
    /// Those who stayed included.
    links: Vec<FlowLink>,
}

/// Who went from which segment to which.
#[derive(Serialize, ToSchema)]
struct Flow {
    grain: String,
    currency: String,
    /// Oldest first.
    steps: Vec<FlowStep>,
    computed_at: String,
}

fn known(segment: String) -> Option<String> {
    (segment != OUTSIDE).then_some(segment)
}

/// The active accounts' ways between segments, from the end of one period to the end of the next.
#[utoipa::path(get, path = "/api/v1/segments/flow", tag = "segments", params(Asked), responses((status = 200, body = Flow)))]
async fn flow(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Flow>> {
    let definitions = definitions(&app)?;
    let (grain, days) = days(&app, &asked, MOST_STEPS + 1)?;
    let entries = app.metrics.book.all();
    let step = |pair: &[i32]| FlowStep {
        from_day: date_of(pair[0]).to_string(),
        to_day: date_of(pair[1]).to_string(),
        links: between(&entries, pair[0], pair[1])
            .into_iter()
            .map(|((from, to), link)| FlowLink {
                from: known(from),
                to: known(to),
                accounts: link.accounts,
                mrr_before: link.mrr_before,
                mrr_after: link.mrr_after,
            })
            .collect(),
    };
    Ok(Json(Flow {
        grain,
        currency: definitions.program.currency.clone(),
        steps: days.windows(2).map(step).collect(),
        computed_at: computed_at(&app),
    }))
}

/// Which way.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Way {
    /// The first day.
    from_day: String,
    /// The second day.
    to_day: String,
    /// The segment on the first day; left out = not a customer yet.
    from: Option<String>,
    /// The segment on the second day; left out = no customer any more.
    to: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<usize>,
    /// Rows of a page, 1 to 500 (default 50).
    limit: Option<usize>,
}

/// An account that went that way.
#[derive(Serialize, ToSchema)]
struct FlowAccount {
    account_id: String,
    name: String,
    owner: Option<String>,
    /// Its MRR on the first day; null = not active, or not known.
    mrr_before: Option<f64>,
    /// Its MRR on the second day; null = not active, or not known.
    mrr_after: Option<f64>,
}

/// The accounts of a way.
#[derive(Serialize, ToSchema)]
struct FlowAccounts {
    /// Greatest MRR first.
    items: Vec<FlowAccount>,
    total: usize,
    next_cursor: Option<usize>,
}

/// The accounts that went from one segment to another between two days.
#[utoipa::path(get, path = "/api/v1/segments/flow/accounts", tag = "segments", params(Way), responses((status = 200, body = FlowAccounts)))]
async fn flow_accounts(
    _: Viewer,
    State(app): State<App>,
    Query(way): Query<Way>,
) -> Result<Json<FlowAccounts>> {
    let (first, second) = (
        as_of::day(&app, Some(&way.from_day))?,
        as_of::day(&app, Some(&way.to_day))?,
    );
    let (from, to) = (
        way.from.as_deref().unwrap_or(OUTSIDE),
        way.to.as_deref().unwrap_or(OUTSIDE),
    );
    let found = along(&app.metrics.book.all(), (first, from), (second, to));
    let (offset, limit) = (way.cursor.unwrap_or(0), way.limit.unwrap_or(50).clamp(1, 500));
    let total = found.len();
    let items: Vec<FlowAccount> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|entry| {
            let mrr = |day: i32| {
                let span = entry.head.span_at(day).filter(|span| span.active);
                span.and_then(|span| span.mrr)
            };
            FlowAccount {
                account_id: entry.id.clone(),
                name: entry.name.clone(),
                owner: entry
                    .head
                    .span_at(today(&app))
                    .and_then(|span| span.owner.clone()),
                mrr_before: mrr(first),
                mrr_after: mrr(second),
            }
        })
        .collect();
    let next = offset.saturating_add(items.len());
    Ok(Json(FlowAccounts {
        items,
        total,
        next_cursor: (next < total).then_some(next),
    }))
}
