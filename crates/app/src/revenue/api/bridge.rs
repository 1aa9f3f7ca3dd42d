//! The bridge from opening to closing revenue.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::asked;
use super::months::{Grain, chosen, count, periods, running, window_of};
use super::{Paging, answer, wants_csv};
use crate::App;
use crate::auth::Viewer;
use crate::kpis::window::Period;
use crate::metrics::Span;
use crate::revenue::rules::bridge::{Bridge, Part, Step, part};
use crate::revenue::rules::csv::Cell;
use crate::revenue::rules::{Life, Window, major, scale};
use crate::revenue::scene::{Dimension, Scene};
use crate::web::{Problem, Query, Result};

asked! {
    /// Which bridge.
    Asked {
        /// `month` (default), `quarter` or `12m`: the twelve months up to the end of each month.
        grain: Option<String>,
        /// How many periods, 1 to 60 (default 13).
        periods: Option<i32>,
        /// The last day of the period to split; the newest when left out.
        period: Option<String>,
        /// What that period is split by: `segment` (default), `owner`, `stage` (the lifecycle stage), `currency` or a declared attribute's id.
        by: Option<String>,
    }
}

/// One step of a bridge.
#[derive(Serialize, ToSchema)]
#[schema(as = BridgeStepLine)]
struct StepLine {
    step: Step,
    /// Σ change, in the major unit; losses are negative.
    amount: f64,
    /// Accounts.
    accounts: i64,
}

/// A bridge in one currency. Opening and all steps add up to closing, exactly.
#[derive(Serialize, ToSchema)]
struct BridgeLine {
    /// ISO 4217 code.
    currency: String,
    /// Σ MRR at the end of the day before the first.
    opening: f64,
    /// Every step, in order.
    steps: Vec<StepLine>,
    /// Σ MRR at the end of the last day.
    closing: f64,
    /// Gross revenue retention; null = nothing was there at the start.
    grr: Option<f64>,
    /// Net revenue retention.
    nrr: Option<f64>,
    /// Their denominator: what the accounts whose MRR is known at both ends paid at the start.
    base: f64,
    /// Accounts active at the start that left, of all that were.
    logo_churn: Option<f64>,
    /// Accounts active at the start.
    active_start: i64,
    /// Accounts active at the end.
    active_end: i64,
    /// Accounts whose MRR is unknown at an end.
    unknown: i64,
}

/// One period.
#[derive(Serialize, ToSchema)]
struct BridgePeriod {
    /// The period's name in data: its last shown day.
    period: String,
    /// Its first day.
    first_day: String,
    /// Whether it has not ended.
    running: bool,
    /// One for each currency that occurs, the program's own first.
    currencies: Vec<BridgeLine>,
}

/// One part of the split period.
#[derive(Serialize, ToSchema)]
struct BridgePart {
    /// A segment, an owner, a currency or an attribute's value.
    value: String,
    /// One for each currency that occurs.
    currencies: Vec<BridgeLine>,
}

/// Bridges.
#[derive(Serialize, ToSchema)]
#[schema(as = RevenueBridge)]
struct Answer {
    as_of: String,
    computed_at: String,
    grain: &'static str,
    /// The currencies of the accounts, the program's own first.
    currencies: Vec<String>,
    /// Oldest first.
    periods: Vec<BridgePeriod>,
    /// The period that is split.
    period: String,
    /// What it is split by.
    by: String,
    /// Whether figures can be split by `stage`: the program names a lifecycle stage.
    staged: bool,
    /// Its parts, largest opening first.
    parts: Vec<BridgePart>,
}

fn line(currency: &str, bridge: &Bridge) -> BridgeLine {
    let scale = scale(currency);
    BridgeLine {
        currency: currency.to_owned(),
        opening: major(bridge.opening, scale),
        steps: Step::MOVES
            .iter()
            .enumerate()
            .map(|(at, step)| StepLine {
                step: *step,
                amount: major(bridge.moves[at], scale),
                accounts: bridge.accounts[at],
            })
            .collect(),
        closing: major(bridge.closing, scale),
        grr: bridge.grr(),
        nrr: bridge.nrr(),
        base: major(bridge.base, scale),
        logo_churn: bridge.logo_churn(),
        active_start: bridge.active_start,
        active_end: bridge.active_end,
        unknown: bridge.unknown,
    }
}

/// The bridges of those currencies in which anything is.
fn lines(scene: &Scene, bridges: &[Bridge]) -> Vec<BridgeLine> {
    let empty = Bridge::default();
    scene
        .currencies
        .iter()
        .zip(bridges)
        .enumerate()
        .filter(|(at, (_, bridge))| *at == 0 || **bridge != empty)
        .map(|(_, (currency, bridge))| line(currency, bridge))
        .collect()
}

/// The day, and its span, that say in which segment and whose an account counts: that of the start where it was active then, else that of the end.
fn counted<'a>(life: &Life<'a>, part: &Part, window: &Window) -> (i32, Option<&'a Span>) {
    let day = if part.active_start {
        window.first - 1
    } else {
        window.last
    };
    (day, life.span(day))
}

/// Bridges of these periods, and of one of them by a dimension.
fn add_up(
    scene: &Scene,
    periods: &[Period],
    split: &Window,
    by: &Dimension,
) -> (Vec<Vec<Bridge>>, BTreeMap<String, Vec<Bridge>>) {
    let none = vec![Bridge::default(); scene.currencies.len()];
    let windows: Vec<Window> = periods.iter().map(window_of).collect();
    let mut totals = vec![none.clone(); periods.len()];
    let mut parts: BTreeMap<String, Vec<Bridge>> = BTreeMap::new();
    for (entry, currency) in &scene.accounts {
        let life = scene.life(entry, *currency);
        if life.lives.is_empty() {
            continue;
        }
        for (window, total) in windows.iter().zip(&mut totals) {
            let Some(one) = part(&life, window) else { continue };
            let (day, span) = counted(&life, &one, window);
            if !scene.counts(span) {
                continue;
            }
            total[*currency].add(&one);
            if window == split {
                parts
                    .entry(scene.value(entry, *currency, day, by))
                    .or_insert_with(|| none.clone())[*currency]
                    .add(&one);
            }
        }
    }
    (totals, parts)
}

/// The bridge from opening to closing monthly revenue, by period, and one period by segment, owner or attribute.
#[utoipa::path(get, path = "/api/v1/revenue/bridge", tag = "revenue", params(Asked), responses((status = 200, body = Answer)))]
pub async fn bridge(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response> {
    let csv = wants_csv(asked.format.as_deref())?;
    let grain = Grain::parse(asked.grain.as_deref())?;
    let n = count("periods", asked.periods, 13)?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let scene = scene.split(&app, asked.by.as_deref()).await?;
    let name = asked.by.clone().filter(|by| !by.is_empty());
    let name = name.unwrap_or_else(|| "segment".to_owned());
    let by = Dimension::parse(&scene, &name)?;
    let periods = periods(&scene, grain, n);
    let split = chosen(&periods, asked.period.as_deref())?;
    let computed_at = scene.computed_at(&app);
    let body = tokio::task::spawn_blocking(move || {
        let (totals, parts) = add_up(&scene, &periods, &window_of(&split), &by);
        let mut parts: Vec<(String, Vec<Bridge>)> = parts.into_iter().collect();
        parts.sort_by_key(|(_, bridges)| {
            std::cmp::Reverse(bridges.first().map_or(0, |b| b.opening.max(b.closing)))
        });
        Answer {
            as_of: scene.date().to_string(),
            computed_at,
            grain: grain.suffix(),
            currencies: scene.currencies.clone(),
            periods: periods
                .iter()
                .zip(&totals)
                .map(|(period, bridges)| BridgePeriod {
                    period: period.last.to_string(),
                    first_day: period.first.to_string(),
                    running: running(period, grain),
                    currencies: lines(&scene, bridges),
                })
                .collect(),
            period: split.last.to_string(),
            by: name,
            staged: scene.definitions.program.lifecycle_stage.is_some(),
            parts: parts
                .into_iter()
                .map(|(value, bridges)| BridgePart {
                    value,
                    currencies: lines(&scene, &bridges),
                })
                .collect(),
        }
    })
    .await
    .map_err(anyhow::Error::from)?;
    Ok(answer(csv, "bridge", body, &HEAD, rows))
}

const HEAD: [&str; 18] = [
    "first_day",
    "last_day",
    "part",
    "currency",
    "opening",
    "new",
    "reactivation",
    "expansion",
    "contraction",
    "churn",
    "became_known",
    "became_unknown",
    "closing",
    "grr",
    "nrr",
    "active_start",
    "active_end",
    "unknown",
];

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn rows(answer: &Answer) -> Vec<Vec<Cell>> {
    let row = |first: &str, last: &str, part: &str, line: &BridgeLine| {
        let mut row: Vec<Cell> = vec![
            first.into(),
            last.into(),
            part.into(),
            line.currency.as_str().into(),
            line.opening.into(),
        ];
        row.extend(line.steps.iter().map(|step| Cell::Number(step.amount)));
        row.extend([line.closing.into(), line.grr.into(), line.nrr.into()]);
        row.extend([line.active_start, line.active_end, line.unknown].map(|n| Cell::Number(n as f64)));
        row
    };
    let mut rows = Vec::new();
    for period in &answer.periods {
        for line in &period.currencies {
            rows.push(row(&period.first_day, &period.period, "", line));
        }
        if period.period == answer.period {
            for part in &answer.parts {
                for line in &part.currencies {
                    rows.push(row(&period.first_day, &period.period, &part.value, line));
                }
            }
        }
    }
    rows
}

asked! {
    /// Which accounts of a bridge.
    AccountsAsked {
        /// `month` (default), `quarter` or `12m`.
        grain: Option<String>,
        /// The last day of the period; the newest when left out.
        period: Option<String>,
        /// A step; `opening` = active at the start, `closing` = active at the end; every account of the bridge when left out.
        step: Option<String>,
        /// What `value` is a value of: `segment`, `owner`, `stage` (the lifecycle stage), `currency` or a declared attribute's id.
        by: Option<String>,
        /// The part of the split.
        value: Option<String>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Option<String>,
        /// Rows of a page, 1 to 500 (default 50).
        limit: Option<usize>,
    }
}

/// One account of a bridge.
#[derive(Serialize, ToSchema)]
struct BridgeAccount {
    account_id: String,
    name: String,
    /// The segment in which it counts.
    segment: Option<String>,
    owner: Option<String>,
    currency: String,
    step: Step,
    /// What it paid at the start; null = unknown, or not active then.
    mrr_start: Option<f64>,
    /// What it pays at the end; 0 = not active; null = unknown.
    mrr_end: Option<f64>,
    /// The difference.
    change: f64,
}

/// Accounts of a bridge.
#[derive(Serialize, ToSchema)]
#[schema(as = BridgeAccounts)]
struct Accounts {
    first_day: String,
    period: String,
    /// Greatest change first.
    items: Vec<BridgeAccount>,
    total: usize,
    next_cursor: Option<String>,
}

/// Which side or step of a bridge.
enum Wanted {
    All,
    Opening,
    Closing,
    One(Step),
}

impl Wanted {
    fn parse(step: Option<&str>) -> Result<Self> {
        Ok(match step {
            None | Some("") => Self::All,
            Some("opening") => Self::Opening,
            Some("closing") => Self::Closing,
            Some(name) => {
                let found = Step::MOVES
                    .into_iter()
                    .chain([Step::Flat])
                    .find(|step| step.name() == name);
                Self::One(found.ok_or_else(|| {
                    Problem::field(
                        "step",
                        name,
                        "is no step of the bridge",
                        "use opening, closing, new, reactivation, expansion, contraction, churn, became_known, became_unknown or flat",
                    )
                })?)
            }
        })
    }

    fn fits(&self, part: &Part) -> bool {
        match self {
            Self::All => true,
            Self::Opening => part.active_start,
            Self::Closing => part.active_end,
            Self::One(step) => part.step == *step,
        }
    }
}

/// The accounts behind a bridge, a step of it, or a part.
#[utoipa::path(get, path = "/api/v1/revenue/bridge/accounts", tag = "revenue", params(AccountsAsked), responses((status = 200, body = Accounts)))]
pub async fn accounts(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<AccountsAsked>,
) -> Result<Response> {
    let paging = Paging::of(asked.cursor.as_deref(), asked.limit, asked.format.as_deref())?;
    let grain = Grain::parse(asked.grain.as_deref())?;
    let wanted = Wanted::parse(asked.step.as_deref())?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let scene = scene.split(&app, asked.by.as_deref()).await?;
    let by = asked
        .by
        .as_deref()
        .filter(|by| !by.is_empty())
        .map(|by| Dimension::parse(&scene, by))
        .transpose()?;
    let period = chosen(
        &periods(&scene, grain, super::months::MOST),
        asked.period.as_deref(),
    )?;
    let window = window_of(&period);
    let mut items = Vec::new();
    for (entry, currency) in &scene.accounts {
        let life = scene.life(entry, *currency);
        let Some(one) = part(&life, &window).filter(|one| wanted.fits(one)) else {
            continue;
        };
        let (day, span) = counted(&life, &one, &window);
        let here = asked
            .value
            .as_deref()
            .zip(by.as_ref())
            .is_none_or(|(value, by)| scene.value(entry, *currency, day, by) == value);
        if !here || !scene.counts(span) {
            continue;
        }
        let amount = |minor: i64| major(minor, life.scale);
        items.push(BridgeAccount {
            account_id: entry.id.clone(),
            name: entry.name.clone(),
            segment: span.map(|span| span.segment.clone()),
            owner: span.and_then(|span| span.owner.clone()),
            currency: scene.currencies[*currency].clone(),
            step: one.step,
            mrr_start: one.start.map(amount),
            mrr_end: one.end.map(amount),
            change: amount(one.change()),
        });
    }
    items.sort_by(|a, b| {
        b.change
            .abs()
            .total_cmp(&a.change.abs())
            .then(b.mrr_start.unwrap_or(0.0).total_cmp(&a.mrr_start.unwrap_or(0.0)))
            .then_with(|| a.account_id.cmp(&b.account_id))
    });
    let (items, total, next_cursor) = paging.cut(items);
    let body = Accounts {
        first_day: period.first.to_string(),
        period: period.last.to_string(),
        items,
        total,
        next_cursor,
    };
    let head = [
        "account_id",
        "name",
        "segment",
        "owner",
        "currency",
        "step",
        "mrr_start",
        "mrr_end",
        "change",
    ];
    Ok(answer(paging.csv, "bridge-accounts", body, &head, |body| {
        body.items
            .iter()
            .map(|it| {
                vec![
                    it.account_id.as_str().into(),
                    it.name.as_str().into(),
                    it.segment.clone().into(),
                    it.owner.clone().into(),
                    it.currency.as_str().into(),
                    it.step.name().into(),
                    it.mrr_start.into(),
                    it.mrr_end.into(),
                    it.change.into(),
                ]
            })
            .collect()
    }))
}
