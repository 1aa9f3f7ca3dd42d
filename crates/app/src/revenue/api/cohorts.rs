//! Retention triangles: start month or quarter × whole months since.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::asked;
use super::months::count;
use super::{Paging, answer, day_text, wants_csv};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::facts::{date_of, day_number};
use crate::revenue::rules::cohorts::{Measure, part};
use crate::revenue::rules::csv::Cell;
use crate::revenue::rules::{major, scale, share};
use crate::revenue::scene::Scene;
use crate::web::{Problem, Query, Result};

asked! {
    /// Which triangle.
    Asked {
        /// `logo` (default): accounts; `net`: revenue with expansion; `gross`: revenue, each account at most at what it started with.
        measure: Option<String>,
        /// What accounts are gathered by: `month` (default) or `quarter` of their first start.
        grain: Option<String>,
        /// How many months of starts, 1 to 60 (default 24).
        months: Option<i32>,
    }
}

fn measure(name: Option<&str>) -> Result<Measure> {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("logo");
    Measure::parse(name)
        .ok_or_else(|| Problem::field("measure", name, "is not known", "ask for logo, net or gross"))
}

fn by_quarter(grain: Option<&str>) -> Result<bool> {
    match grain {
        None | Some("" | "month") => Ok(false),
        Some("quarter") => Ok(true),
        Some(other) => Err(Problem::field(
            "grain",
            other,
            "is not known",
            "ask for month or quarter",
        )),
    }
}

/// The last day of the month or quarter that a day lies in: its age counts from there.
fn base(day: Date, quarter: bool) -> Date {
    if !quarter {
        return day.last_of_month();
    }
    let months = (3 - day.month() % 3) % 3;
    day.first_of_month()
        .saturating_add(jiff::Span::new().months(months))
        .last_of_month()
}

/// The name of a cohort: `2026-05` or `2026-Q2`.
fn name(base: Date, quarter: bool) -> String {
    if quarter {
        format!("{}-Q{}", base.year(), (base.month() + 2) / 3)
    } else {
        format!("{}-{:02}", base.year(), base.month())
    }
}

/// The day on which a cohort is so many months old.
fn grown(base: Date, age: i32) -> Date {
    base.first_of_month()
        .saturating_add(jiff::Span::new().months(age))
        .last_of_month()
}

/// A cohort's figure at an age.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = RevenueCohortCell)]
struct CohortCell {
    /// Whole months since the end of the start month or quarter.
    age: i32,
    /// The day that it stands for.
    day: String,
    /// The share that is left; null = nothing can be counted.
    value: Option<f64>,
    numerator: f64,
    denominator: f64,
}

/// Accounts that started together.
#[derive(Serialize, ToSchema)]
#[schema(as = RevenueCohort)]
struct Cohort {
    cohort: String,
    /// How many accounts.
    accounts: i64,
    /// What they paid at their start, in the triangle's currency.
    mrr: f64,
    /// Every age that it has reached by the day asked for; later ones are not known yet and are left out.
    cells: Vec<CohortCell>,
}

/// A triangle.
#[derive(Serialize, ToSchema)]
#[schema(as = RevenueCohorts)]
struct Answer {
    as_of: String,
    computed_at: String,
    measure: String,
    /// The one currency of a triangle of revenue: the one asked for, else the program's.
    currency: String,
    /// The currencies of the accounts.
    currencies: Vec<String>,
    /// Oldest first.
    cohorts: Vec<Cohort>,
    /// All cohorts that have reached an age, together.
    pooled: Vec<CohortCell>,
    /// Accounts that are not counted in a triangle of revenue, because what they pay is unknown or in another currency.
    left_out: i64,
}

/// Cohorts by the last day of their month or quarter: accounts, with their currency.
type Gathered = BTreeMap<Date, Vec<usize>>;

fn gather(scene: &Scene, quarter: bool, months: i32) -> Gathered {
    let from = base(
        scene
            .date()
            .first_of_month()
            .saturating_sub(jiff::Span::new().months(months - 1)),
        quarter,
    );
    let mut found = Gathered::new();
    for (at, (entry, currency)) in scene.accounts.iter().enumerate() {
        let life = scene.life(entry, *currency);
        let Some((start, _)) = life
            .lives
            .first()
            .copied()
            .filter(|(start, _)| *start <= scene.day)
        else {
            continue;
        };
        let base = base(date_of(start), quarter);
        if base >= from && scene.counts(entry.head.span_at(start)) {
            found.entry(base).or_default().push(at);
        }
    }
    found
}

/// The place of the currency that revenue is counted in.
fn money(scene: &Scene, asked: Option<&str>) -> usize {
    scene
        .currencies
        .iter()
        .position(|code| Some(code.as_str()) == asked)
        .unwrap_or(0)
}

struct Sums {
    numerator: i64,
    denominator: i64,
    left_out: i64,
}

fn cell(scene: &Scene, accounts: &[usize], measure: Measure, currency: usize, day: Date) -> Sums {
    let mut sums = Sums {
        numerator: 0,
        denominator: 0,
        left_out: 0,
    };
    for at in accounts {
        let (entry, of) = &scene.accounts[*at];
        let counted = (measure == Measure::Logo || *of == currency)
            .then(|| part(&scene.life(entry, *of), measure, day_number(day)))
            .flatten();
        match counted {
            Some((numerator, denominator)) => {
                sums.numerator += numerator;
                sums.denominator += denominator;
            }
            None => sums.left_out += 1,
        }
    }
    sums
}

/// How much of the accounts that started together is left, month by month.
#[utoipa::path(get, path = "/api/v1/revenue/cohorts", tag = "revenue", params(Asked), responses((status = 200, body = Answer)))]
pub async fn cohorts(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response> {
    let csv = wants_csv(asked.format.as_deref())?;
    let measure = measure(asked.measure.as_deref())?;
    let quarter = by_quarter(asked.grain.as_deref())?;
    let months = count("months", asked.months, 24)?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let currency = money(&scene, asked.currency.as_deref());
    let computed_at = scene.computed_at(&app);
    let shown = asked.measure.clone().filter(|name| !name.is_empty());
    let body = tokio::task::spawn_blocking(move || {
        let unit = if measure == Measure::Logo {
            1.0
        } else {
            scale(&scene.currencies[currency])
        };
        let mut pooled: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        let mut left_out = 0;
        let mut cohorts = Vec::new();
        for (base, accounts) in gather(&scene, quarter, months) {
            let mut cells = Vec::new();
            let mut age = 0;
            while grown(base, age) <= scene.date() {
                let day = grown(base, age);
                let sums = cell(&scene, &accounts, measure, currency, day);
                let held = pooled.entry(age).or_default();
                held.0 += sums.numerator;
                held.1 += sums.denominator;
                left_out += if age == 0 { sums.left_out } else { 0 };
                cells.push(CohortCell {
                    age,
                    day: day.to_string(),
                    value: share(sums.numerator, sums.denominator),
                    numerator: major(sums.numerator, unit),
                    denominator: major(sums.denominator, unit),
                });
                age += 1;
            }
            let started: i64 = accounts
                .iter()
                .map(|at| &scene.accounts[*at])
                .filter(|(_, of)| *of == currency)
                .filter_map(|(entry, of)| {
                    let life = scene.life(entry, *of);
                    life.mrr(life.lives.first()?.0)
                })
                .sum();
            cohorts.push(Cohort {
                cohort: name(base, quarter),
                accounts: i64::try_from(accounts.len()).unwrap_or(i64::MAX),
                mrr: major(started, scale(&scene.currencies[currency])),
                cells,
            });
        }
        Answer {
            as_of: scene.date().to_string(),
            computed_at,
            measure: shown.unwrap_or_else(|| "logo".to_owned()),
            currency: scene.currencies[currency].clone(),
            currencies: scene.currencies.clone(),
            cohorts,
            pooled: pooled
                .into_iter()
                .map(|(age, (numerator, denominator))| CohortCell {
                    age,
                    day: scene.date().to_string(),
                    value: share(numerator, denominator),
                    numerator: major(numerator, unit),
                    denominator: major(denominator, unit),
                })
                .collect(),
            left_out,
        }
    })
    .await
    .map_err(anyhow::Error::from)?;
    let head = ["cohort", "age", "day", "value", "numerator", "denominator"];
    Ok(answer(csv, "cohorts", body, &head, |body| {
        let row = |cohort: &str, cell: &CohortCell| {
            vec![
                cohort.into(),
                Cell::Number(f64::from(cell.age)),
                cell.day.as_str().into(),
                cell.value.into(),
                cell.numerator.into(),
                cell.denominator.into(),
            ]
        };
        body.cohorts
            .iter()
            .flat_map(|cohort| cohort.cells.iter().map(|cell| row(&cohort.cohort, cell)))
            .chain(body.pooled.iter().map(|cell| row("all", cell)))
            .collect()
    }))
}

asked! {
    /// Which accounts of a triangle.
    AccountsAsked {
        /// `logo` (default), `net` or `gross`.
        measure: Option<String>,
        /// The cohort, such as `2026-05` or `2026-Q2`.
        cohort: String,
        /// The age in months.
        age: i32,
        /// `left`: only those that are not active at that age; `stayed`: only those that are; both when left out.
        side: Option<String>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Option<String>,
        /// Rows of a page, 1 to 500 (default 50).
        limit: Option<usize>,
    }
}

/// One account of a cohort.
#[derive(Serialize, ToSchema)]
struct CohortAccount {
    account_id: String,
    name: String,
    /// The segment that it started in.
    segment: Option<String>,
    owner: Option<String>,
    currency: String,
    started_on: String,
    /// What it started with; null = unknown.
    mrr_start: Option<f64>,
    /// Whether it is active at that age.
    active: bool,
    /// What it pays at that age; 0 = not active; null = unknown.
    mrr: Option<f64>,
}

/// Accounts of a cohort.
#[derive(Serialize, ToSchema)]
#[schema(as = CohortAccounts)]
struct Accounts {
    cohort: String,
    /// The day of that age.
    day: String,
    /// Those that left first, then by what they started with.
    items: Vec<CohortAccount>,
    total: usize,
    next_cursor: Option<String>,
}

/// The last day of a cohort's month or quarter, from its name.
fn parse(cohort: &str) -> Option<(Date, bool)> {
    let (year, rest) = cohort.split_once('-')?;
    let year: i16 = year.parse().ok()?;
    if let Some(quarter) = rest.strip_prefix('Q') {
        let quarter: i8 = quarter.parse().ok()?;
        let first = Date::new(year, quarter.checked_mul(3)?, 1).ok()?;
        return Some((first.last_of_month(), true));
    }
    Some((
        Date::new(year, rest.parse().ok()?, 1).ok()?.last_of_month(),
        false,
    ))
}

/// The accounts behind a cell of a triangle.
#[utoipa::path(get, path = "/api/v1/revenue/cohorts/accounts", tag = "revenue", params(AccountsAsked), responses((status = 200, body = Accounts)))]
pub async fn accounts(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<AccountsAsked>,
) -> Result<Response> {
    let paging = Paging::of(asked.cursor.as_deref(), asked.limit, asked.format.as_deref())?;
    let measure = measure(asked.measure.as_deref())?;
    let (cohort, quarter) = parse(&asked.cohort).ok_or_else(|| {
        Problem::field(
            "cohort",
            &asked.cohort,
            "is no month or quarter",
            "write it as 2026-05 or 2026-Q2",
        )
    })?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let day = grown(cohort, asked.age.clamp(0, 1_200));
    if asked.age < 0 || day > scene.date() {
        return Err(Problem::field(
            "age",
            asked.age,
            "has not been reached by that cohort",
            "ask for an age that the triangle shows",
        ));
    }
    let side = match asked.side.as_deref() {
        None | Some("") => None,
        Some("left") => Some(false),
        Some("stayed") => Some(true),
        Some(other) => {
            return Err(Problem::field(
                "side",
                other,
                "is not known",
                "ask for left or stayed",
            ));
        }
    };
    let currency = money(&scene, asked.currency.as_deref());
    let at = day_number(day);
    let mut items = Vec::new();
    for (entry, of) in &scene.accounts {
        let life = scene.life(entry, *of);
        let Some((start, _)) = life.lives.first().copied() else {
            continue;
        };
        let span = entry.head.span_at(start);
        let active = life.on(at);
        let fits = base(date_of(start), quarter) == cohort
            && scene.counts(span)
            && side.is_none_or(|wanted| wanted == active)
            && (measure == Measure::Logo || *of == currency);
        if !fits {
            continue;
        }
        let amount = |minor: i64| major(minor, life.scale);
        items.push(CohortAccount {
            account_id: entry.id.clone(),
            name: entry.name.clone(),
            segment: span.map(|s| s.segment.clone()),
            owner: entry.head.span_at(at).and_then(|s| s.owner.clone()),
            currency: scene.currencies[*of].clone(),
            started_on: day_text(start),
            mrr_start: life.mrr(start).map(amount),
            active,
            mrr: if active {
                life.mrr(at).map(amount)
            } else {
                Some(0.0)
            },
        });
    }
    items.sort_by(|a, b| {
        a.active
            .cmp(&b.active)
            .then(b.mrr_start.unwrap_or(0.0).total_cmp(&a.mrr_start.unwrap_or(0.0)))
            .then_with(|| a.account_id.cmp(&b.account_id))
    });
    let (items, total, next_cursor) = paging.cut(items);
    let body = Accounts {
        cohort: asked.cohort.clone(),
        day: day.to_string(),
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
        "started_on",
        "mrr_start",
        "active",
        "mrr",
    ];
    Ok(answer(paging.csv, "cohort-accounts", body, &head, |body| {
        body.items
            .iter()
            .map(|it| {
                vec![
                    it.account_id.as_str().into(),
                    it.name.as_str().into(),
                    it.segment.clone().into(),
                    it.owner.clone().into(),
                    it.currency.as_str().into(),
                    it.started_on.as_str().into(),
                    it.mrr_start.into(),
                    if it.active { "yes" } else { "no" }.into(),
                    it.mrr.into(),
                ]
            })
            .collect()
    }))
}
