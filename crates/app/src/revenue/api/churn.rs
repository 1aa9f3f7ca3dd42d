//! Who left, why, and what went with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::asked;
use super::months::{Grain, count, periods, running, window_of};
use super::{Amount, Paging, amounts, answer, day_text, wants_csv};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::Entry;
use crate::revenue::rules::csv::Cell;
use crate::revenue::rules::departures::{Departure, Says, departures};
use crate::revenue::rules::reasons::{CODES, UNKNOWN};
use crate::revenue::rules::{Window, bridge, major, share};
use crate::revenue::scene::{Dimension, NONE, Scene};
use crate::web::{Problem, Query, Result};

asked! {
    /// Which churn.
    Asked {
        /// How many months up to the day, 1 to 60 (default 12).
        months: Option<i32>,
        /// One month of them (its last shown day): groups and totals are then of that month alone.
        month: Option<String>,
        /// What departures are grouped by: `reason` (default), `secondary`, `segment`, `owner`, `cohort` (month of the start), `size`, `currency`,
        /// `stage` (the lifecycle stage) or a declared attribute's id.
        by: Option<String>,
        /// The day that a departure is dated by: `effect` (default), the first day without the account; `notice`, the day on which it gave
        /// notice, where it gave one.
        basis: Option<String>,
    }
}

/// What a departure is grouped by.
enum By {
    Reason,
    Secondary,
    Cohort,
    Size,
    Dimension(Dimension),
}

impl By {
    fn parse(scene: &Scene, name: &str) -> Result<Self> {
        Ok(match name {
            "reason" => Self::Reason,
            "secondary" => Self::Secondary,
            "cohort" => Self::Cohort,
            "size" => Self::Size,
            other => match Dimension::parse(scene, other) {
                Ok(dimension) => Self::Dimension(dimension),
                Err(_) => {
                    return Err(Problem::field(
                        "by",
                        other,
                        "is nothing that departures can be grouped by",
                        "use reason, secondary, segment, owner, cohort, size, currency, the id of a declared attribute, or stage where the program names a lifecycle stage",
                    ));
                }
            },
        })
    }
}

/// Upper ends of the classes of MRR, in the major unit.
const SIZES: [(f64, &str); 5] = [
    (100.0, "under 100"),
    (500.0, "100 to 499"),
    (1_000.0, "500 to 999"),
    (3_500.0, "1,000 to 3,499"),
    (f64::INFINITY, "3,500 and more"),
];

/// The class of an MRR in the major unit.
fn size(mrr: Option<f64>) -> String {
    mrr.and_then(|mrr| SIZES.iter().find(|(end, _)| mrr < *end))
        .map_or_else(|| NONE.to_owned(), |(_, name)| (*name).to_owned())
}

/// Whether departures are dated by their notice.
fn by_notice(basis: Option<&str>) -> Result<bool> {
    match basis {
        None | Some("" | "effect") => Ok(false),
        Some("notice") => Ok(true),
        Some(other) => Err(Problem::field(
            "basis",
            other,
            "is not known",
            "ask for effect or notice",
        )),
    }
}

/// One departure with its account.
struct Gone<'a> {
    entry: &'a Arc<Entry>,
    currency: usize,
    scale: f64,
    /// The day that it is dated by.
    dated: i32,
    it: Departure<'a>,
}

impl Gone<'_> {
    /// The values that it has of a dimension; several for secondary reasons.
    fn values(&self, scene: &Scene, by: &By) -> Vec<String> {
        match by {
            By::Reason => vec![self.it.reason.unwrap_or(UNRECORDED).to_owned()],
            By::Secondary => {
                let said = self.it.statement.map_or(&[][..], |it| it.secondary.as_slice());
                if said.is_empty() {
                    vec![NONE.to_owned()]
                } else {
                    said.to_vec()
                }
            }
            By::Cohort => vec![day_text(self.it.start)[..7].to_owned()],
            By::Size => vec![size(self.it.mrr.map(|mrr| major(mrr, self.scale)))],
            By::Dimension(dimension) => {
                vec![scene.value(self.entry, self.currency, self.it.day - 1, dimension)]
            }
        }
    }
}

/// What stands in the place of a reason that nobody has given.
const UNRECORDED: &str = "(not recorded)";

/// The departures within a window, dated by effect or by notice.
fn gone<'a>(scene: &'a Scene, window: &Window, notice: bool) -> Vec<Gone<'a>> {
    let all = Window {
        first: i32::MIN,
        last: scene.day,
    };
    let mut found = Vec::new();
    for (entry, currency) in &scene.accounts {
        // Most accounts never left.
        if !entry.head.spans.iter().any(|span| !span.active) {
            continue;
        }
        let life = scene.life(entry, *currency);
        let stated = entry
            .attributes
            .get("churn_reason")
            .and_then(serde_json::Value::as_str);
        let looked_at = if notice { &all } else { window };
        for it in departures(&life, scene.said(entry.no), stated, looked_at, scene.day) {
            let dated = it.notice.filter(|_| notice).unwrap_or(it.day);
            let inside = (window.first..=window.last).contains(&dated);
            if inside && scene.counts(entry.head.span_at(it.day - 1)) {
                found.push(Gone {
                    entry,
                    currency: *currency,
                    scale: life.scale,
                    dated,
                    it,
                });
            }
        }
    }
    found
}

/// One month of churn.
#[derive(Serialize, ToSchema)]
struct ChurnMonth {
    /// Its last shown day.
    month: String,
    first_day: String,
    running: bool,
    /// Accounts active at its start.
    active_start: i64,
    /// Those of them that left within it: the numerator of the KPI `logo_churn_month`.
    left: i64,
    /// Logo churn; null = no account was active at the start.
    logo_churn: Option<f64>,
    /// Departures dated in the month, those of accounts that came and went within it included.
    departures: i64,
    /// What they paid.
    mrr: Vec<Amount>,
    /// Revenue lost of the revenue at the start, by currency: churn alone, without contraction.
    revenue_churn: Vec<Amount>,
    /// Departures of the month without a reason on record.
    without_reason: i64,
    /// Departures of the month before which notice was given.
    with_notice: i64,
    /// Median days from notice to effect of those.
    notice_days: Option<f64>,
    /// Notices given in the month.
    notices: i64,
    /// Saves recorded in the month.
    saves: i64,
}

/// One group of departures.
#[derive(Serialize, ToSchema)]
struct ChurnGroup {
    value: String,
    /// The name that people read, for reasons; else null.
    label: Option<String>,
    departures: i64,
    /// Of all departures; secondary reasons may add up to more than all.
    share: Option<f64>,
    /// What they paid.
    mrr: Vec<Amount>,
    /// Of the accounts active at the start of the days looked at in this group (by the group's value at that moment), the part that
    /// left; null where a group is not of accounts (reasons).
    logo_churn: Option<f64>,
    /// The denominator of that.
    active_start: Option<i64>,
}

/// Churn.
#[derive(Serialize, ToSchema)]
#[schema(as = RevenueChurn)]
struct Answer {
    as_of: String,
    computed_at: String,
    currencies: Vec<String>,
    basis: &'static str,
    by: String,
    /// Whether figures can be split by `stage`: the program names a lifecycle stage.
    staged: bool,
    /// Oldest first.
    months: Vec<ChurnMonth>,
    /// First day of what groups and totals stand for.
    first_day: String,
    /// Its last day.
    last_day: String,
    /// Departures.
    departures: i64,
    /// Those without a reason on record.
    without_reason: i64,
    mrr: Vec<Amount>,
    /// Of the accounts active at its start, the part that left.
    logo_churn: Option<f64>,
    active_start: i64,
    left: i64,
    groups: Vec<ChurnGroup>,
    /// The reasons that may be given.
    reasons: Vec<ReasonCode>,
}

/// A reason that may be given.
#[derive(Serialize, ToSchema)]
pub struct ReasonCode {
    code: &'static str,
    label: &'static str,
}

/// Every reason that may be given.
#[must_use]
pub fn codes() -> Vec<ReasonCode> {
    CODES
        .iter()
        .map(|code| ReasonCode {
            code: code.code,
            label: code.label,
        })
        .collect()
}

fn median(mut days: Vec<i32>) -> Option<f64> {
    days.sort_unstable();
    let sorted: Vec<f64> = days.into_iter().map(f64::from).collect();
    crate::kpis::stats::quantile(&sorted, 0.5)
}

fn sum(gone: &[&Gone<'_>], currencies: usize) -> Vec<i64> {
    let mut sums = vec![0; currencies];
    for one in gone {
        sums[one.currency] += one.it.mrr.unwrap_or(0);
    }
    sums
}

fn n(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Who was active at the start of a window and who of them left, by a group's value; with what they paid at the start by currency.
#[derive(Default)]
struct Start {
    active: i64,
    left: i64,
    mrr: Vec<i64>,
    lost: Vec<i64>,
}

fn starts(scene: &Scene, windows: &[Window]) -> Vec<Start> {
    let size = scene.currencies.len();
    let fresh = || Start {
        mrr: vec![0; size],
        lost: vec![0; size],
        ..Start::default()
    };
    let mut found: Vec<Start> = windows.iter().map(|_| fresh()).collect();
    for (entry, currency) in &scene.accounts {
        let life = scene.life(entry, *currency);
        if life.lives.is_empty() {
            continue;
        }
        for (window, start) in windows.iter().zip(&mut found) {
            let Some(part) = bridge::part(&life, window).filter(|part| part.active_start) else {
                continue;
            };
            if !scene.counts(life.span(window.first - 1)) {
                continue;
            }
            start.active += 1;
            start.left += i64::from(part.left);
            start.mrr[*currency] += part.start.unwrap_or(0);
            if !part.active_end {
                start.lost[*currency] += part.start.unwrap_or(0);
            }
        }
    }
    found
}

/// Active at the start and left, by the value of a dimension of accounts.
fn starts_by(scene: &Scene, window: &Window, by: &By) -> Option<BTreeMap<String, (i64, i64)>> {
    if matches!(by, By::Reason | By::Secondary) {
        return None;
    }
    let mut found: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (entry, currency) in &scene.accounts {
        let life = scene.life(entry, *currency);
        let before = window.first - 1;
        let Some((start, _)) = life.life_at(before) else {
            continue;
        };
        let span = life.span(before);
        if !scene.counts(span) {
            continue;
        }
        let value = match by {
            By::Cohort => day_text(start)[..7].to_owned(),
            By::Size => size(life.mrr(before).map(|mrr| major(mrr, life.scale))),
            By::Dimension(dimension) => scene.value(entry, *currency, before, dimension),
            By::Reason | By::Secondary => continue,
        };
        let left = life
            .lives
            .iter()
            .any(|(_, end)| (window.first..=window.last).contains(end));
        let held = found.entry(value).or_default();
        held.0 += 1;
        held.1 += i64::from(left);
    }
    Some(found)
}

fn groups(scene: &Scene, gone: &[Gone<'_>], window: &Window, by: &By) -> Vec<ChurnGroup> {
    let starts = starts_by(scene, window, by);
    let mut found: BTreeMap<String, Vec<&Gone<'_>>> = BTreeMap::new();
    for one in gone {
        for value in one.values(scene, by) {
            found.entry(value).or_default().push(one);
        }
    }
    for value in starts.iter().flat_map(BTreeMap::keys) {
        found.entry(value.clone()).or_default();
    }
    let mut groups: Vec<ChurnGroup> = found
        .into_iter()
        .map(|(value, here)| {
            let start = starts
                .as_ref()
                .map(|s| s.get(&value).copied().unwrap_or_default());
            ChurnGroup {
                label: CODES
                    .iter()
                    .find(|code| code.code == value)
                    .map(|code| code.label.to_owned()),
                departures: n(here.len()),
                share: share(n(here.len()), n(gone.len())),
                mrr: amounts(&scene.currencies, &sum(&here, scene.currencies.len())),
                logo_churn: start.and_then(|(active, left)| share(left, active)),
                active_start: start.map(|(active, _)| active),
                value,
            }
        })
        .collect();
    if matches!(by, By::Cohort | By::Size) {
        let place = |value: &str| SIZES.iter().position(|(_, name)| *name == value);
        groups.sort_by(|a, b| {
            place(&a.value)
                .cmp(&place(&b.value))
                .then_with(|| a.value.cmp(&b.value))
        });
    } else {
        groups.sort_by(|a, b| {
            b.departures
                .cmp(&a.departures)
                .then(b.active_start.cmp(&a.active_start))
                .then_with(|| a.value.cmp(&b.value))
        });
    }
    groups
}

/// Churn by month, and who left by reason, segment, cohort, owner, size or attribute.
#[utoipa::path(get, path = "/api/v1/revenue/churn", tag = "revenue", params(Asked), responses((status = 200, body = Answer)))]
pub async fn churn(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response> {
    let csv = wants_csv(asked.format.as_deref())?;
    let months = count("months", asked.months, 12)?;
    let notice = by_notice(asked.basis.as_deref())?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let scene = scene.split(&app, asked.by.as_deref()).await?;
    let name = asked
        .by
        .clone()
        .filter(|by| !by.is_empty())
        .unwrap_or_else(|| "reason".to_owned());
    let by = By::parse(&scene, &name)?;
    let computed_at = scene.computed_at(&app);
    let window = window(&scene, months, asked.month.as_deref())?;
    let body = tokio::task::spawn_blocking(move || {
        let months = month_lines(&scene, months, notice);
        let gone = gone(&scene, &window, notice);
        let total = starts(&scene, &[window]).remove(0);
        let all: Vec<&Gone<'_>> = gone.iter().collect();
        Answer {
            as_of: scene.date().to_string(),
            computed_at,
            currencies: scene.currencies.clone(),
            basis: if notice { "notice" } else { "effect" },
            months,
            first_day: day_text(window.first),
            last_day: day_text(window.last),
            departures: n(gone.len()),
            without_reason: n(gone.iter().filter(|one| one.it.reason.is_none()).count()),
            mrr: amounts(&scene.currencies, &sum(&all, scene.currencies.len())),
            logo_churn: share(total.left, total.active),
            active_start: total.active,
            left: total.left,
            groups: groups(&scene, &gone, &window, &by),
            by: name,
            staged: scene.definitions.program.lifecycle_stage.is_some(),
            reasons: codes(),
        }
    })
    .await
    .map_err(anyhow::Error::from)?;
    Ok(answer(csv, "churn", body, &HEAD, rows))
}

/// The days looked at: the last months, or one of them.
fn window(scene: &Scene, months: i32, month: Option<&str>) -> Result<Window> {
    let periods = periods(scene, Grain::Month, months);
    if month.is_some_and(|text| !text.trim().is_empty()) {
        return Ok(window_of(&super::months::chosen(&periods, month)?));
    }
    Ok(Window {
        first: periods.first().map_or(scene.day, |p| window_of(p).first),
        last: scene.day,
    })
}

fn month_lines(scene: &Scene, months: i32, notice: bool) -> Vec<ChurnMonth> {
    let periods = periods(scene, Grain::Month, months);
    let windows: Vec<Window> = periods.iter().map(window_of).collect();
    let whole = Window {
        first: windows.first().map_or(scene.day, |w| w.first),
        last: scene.day,
    };
    let gone = gone(scene, &whole, notice);
    let starts = starts(scene, &windows);
    let told = told(scene, &windows);
    periods
        .iter()
        .zip(&windows)
        .zip(starts)
        .zip(told)
        .map(|(((period, window), start), (notices, saves))| {
            let here: Vec<&Gone<'_>> = gone
                .iter()
                .filter(|one| (window.first..=window.last).contains(&one.dated))
                .collect();
            let leads: Vec<i32> = here
                .iter()
                .filter_map(|one| one.it.notice.map(|day| one.it.day - day))
                .collect();
            ChurnMonth {
                month: period.last.to_string(),
                first_day: period.first.to_string(),
                running: running(period, Grain::Month),
                active_start: start.active,
                left: start.left,
                logo_churn: share(start.left, start.active),
                departures: n(here.len()),
                mrr: amounts(&scene.currencies, &sum(&here, scene.currencies.len())),
                revenue_churn: scene
                    .currencies
                    .iter()
                    .zip(start.lost.iter().zip(&start.mrr))
                    .filter_map(|(currency, (lost, mrr))| {
                        Some(Amount {
                            currency: currency.clone(),
                            amount: share(*lost, *mrr)?,
                        })
                    })
                    .collect(),
                without_reason: n(here.iter().filter(|one| one.it.reason.is_none()).count()),
                with_notice: n(leads.len()),
                notice_days: median(leads),
                notices,
                saves,
            }
        })
        .collect()
}

/// Notices given and saves recorded in each window.
fn told(scene: &Scene, windows: &[Window]) -> Vec<(i64, i64)> {
    let mut counts = vec![(0, 0); windows.len()];
    for (entry, _) in &scene.accounts {
        for signal in scene.said(entry.no) {
            if !matches!(signal.says, Says::Notice | Says::Saved) {
                continue;
            }
            let place = windows
                .iter()
                .position(|w| (w.first..=w.last).contains(&signal.day));
            let Some(place) = place.filter(|_| scene.counts(entry.head.span_at(signal.day))) else {
                continue;
            };
            counts[place].0 += i64::from(signal.says == Says::Notice);
            counts[place].1 += i64::from(signal.says == Says::Saved);
        }
    }
    counts
}

const HEAD: [&str; 7] = [
    "first_day",
    "last_day",
    "group",
    "departures",
    "logo_churn",
    "currency",
    "mrr",
];

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn rows(answer: &Answer) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut push = |first: &str, last: &str, group: &str, count: i64, rate: Option<f64>, mrr: &[Amount]| {
        let row = |currency: Cell, amount: Cell| {
            vec![
                first.into(),
                last.into(),
                group.into(),
                Cell::Number(count as f64),
                rate.into(),
                currency,
                amount,
            ]
        };
        if mrr.is_empty() {
            rows.push(row(Cell::Empty, Cell::Empty));
        }
        for one in mrr {
            rows.push(row(one.currency.as_str().into(), one.amount.into()));
        }
    };
    for month in &answer.months {
        push(
            &month.first_day,
            &month.month,
            "",
            month.departures,
            month.logo_churn,
            &month.mrr,
        );
    }
    for group in &answer.groups {
        push(
            &answer.first_day,
            &answer.last_day,
            &group.value,
            group.departures,
            group.logo_churn,
            &group.mrr,
        );
    }
    rows
}

asked! {
    /// Which departures.
    AccountsAsked {
        /// How many months up to the day, 1 to 60 (default 12).
        months: Option<i32>,
        /// One month of them (its last shown day).
        month: Option<String>,
        /// What `value` is a value of; as for the groups.
        by: Option<String>,
        /// The group.
        value: Option<String>,
        /// `effect` (default) or `notice`.
        basis: Option<String>,
        /// `true`: only those without a reason on record.
        missing: Option<bool>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Option<String>,
        /// Rows of a page, 1 to 500 (default 50).
        limit: Option<usize>,
    }
}

/// One departure.
#[derive(Serialize, ToSchema)]
pub struct DepartureLine {
    account_id: String,
    name: String,
    /// The segment of its last active day.
    segment: String,
    /// Its owner on that day.
    owner: Option<String>,
    currency: String,
    /// What it paid on that day; null = unknown.
    mrr: Option<f64>,
    started_on: String,
    /// The first day on which it was no longer active.
    left_on: String,
    notice_on: Option<String>,
    /// When it was active again.
    back_on: Option<String>,
    /// The reason in force; null = none is on record.
    reason: Option<String>,
    secondary: Vec<String>,
    competitor: Option<String>,
    comment: Option<String>,
    /// The name of who recorded it; null = the source said it.
    author: Option<String>,
    /// How many times a person has recorded a reason: what a correction must name.
    version: i64,
}

/// Departures.
#[derive(Serialize, ToSchema)]
#[schema(as = Departures)]
struct Accounts {
    first_day: String,
    last_day: String,
    /// Newest first.
    items: Vec<DepartureLine>,
    total: usize,
    next_cursor: Option<String>,
}

fn departure_line(scene: &Scene, one: &Gone<'_>) -> DepartureLine {
    let statement = one.it.statement;
    DepartureLine {
        account_id: one.entry.id.clone(),
        name: one.entry.name.clone(),
        segment: one.it.segment.to_owned(),
        owner: one.it.owner.map(str::to_owned),
        currency: scene.currencies[one.currency].clone(),
        mrr: one.it.mrr.map(|mrr| major(mrr, one.scale)),
        started_on: day_text(one.it.start),
        left_on: day_text(one.it.day),
        notice_on: one.it.notice.map(day_text),
        back_on: one.it.back.map(day_text),
        reason: one.it.reason.map(str::to_owned),
        secondary: statement.map(|s| s.secondary.clone()).unwrap_or_default(),
        competitor: statement.and_then(|s| s.competitor.clone()),
        comment: statement.and_then(|s| s.comment.clone()),
        author: statement
            .and_then(|s| s.author.as_deref())
            .map(|actor| scene.person(actor)),
        version: statement.map_or(0, |s| s.version),
    }
}

/// The departures behind a figure, each with its reason; `missing=true` lists those that still need one.
#[utoipa::path(get, path = "/api/v1/revenue/churn/accounts", tag = "revenue", params(AccountsAsked), responses((status = 200, body = Accounts)))]
pub async fn accounts(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<AccountsAsked>,
) -> Result<Response> {
    let paging = Paging::of(asked.cursor.as_deref(), asked.limit, asked.format.as_deref())?;
    let months = count("months", asked.months, 12)?;
    let notice = by_notice(asked.basis.as_deref())?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let scene = scene.split(&app, asked.by.as_deref()).await?;
    let by = asked
        .by
        .as_deref()
        .filter(|by| !by.is_empty())
        .map(|by| By::parse(&scene, by))
        .transpose()?;
    let window = window(&scene, months, asked.month.as_deref())?;
    let mut found = gone(&scene, &window, notice);
    if let (Some(value), Some(by)) = (&asked.value, &by) {
        found.retain(|one| one.values(&scene, by).contains(value));
    }
    if asked.missing == Some(true) {
        found.retain(|one| one.it.reason.is_none() || one.it.reason == Some(UNKNOWN));
        found.retain(|one| one.it.statement.is_none_or(|s| s.author.is_none()));
    }
    found.sort_by(|a, b| {
        b.dated
            .cmp(&a.dated)
            .then(b.it.mrr.cmp(&a.it.mrr))
            .then(a.entry.no.cmp(&b.entry.no))
    });
    let (found, total, next_cursor) = paging.cut(found);
    let body = Accounts {
        first_day: day_text(window.first),
        last_day: day_text(window.last),
        items: found.iter().map(|one| departure_line(&scene, one)).collect(),
        total,
        next_cursor,
    };
    let head = [
        "account_id",
        "name",
        "segment",
        "owner",
        "currency",
        "mrr",
        "started_on",
        "notice_on",
        "left_on",
        "back_on",
        "reason",
        "secondary",
        "competitor",
        "comment",
        "author",
    ];
    Ok(answer(paging.csv, "departures", body, &head, |body| {
        body.items
            .iter()
            .map(|it| {
                vec![
                    it.account_id.as_str().into(),
                    it.name.as_str().into(),
                    it.segment.as_str().into(),
                    it.owner.clone().into(),
                    it.currency.as_str().into(),
                    it.mrr.into(),
                    it.started_on.as_str().into(),
                    it.notice_on.clone().into(),
                    it.left_on.as_str().into(),
                    it.back_on.clone().into(),
                    it.reason.clone().into(),
                    it.secondary.join(";").into(),
                    it.competitor.clone().into(),
                    it.comment.clone().into(),
                    it.author.clone().into(),
                ]
            })
            .collect()
    }))
}
