//! Handlers of KPIs and targets.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::engine::{ALL, By, Only, Part, figures, parts_of};
use super::overview::{self, Line, TargetLine, day_named, day_of, instant, unit_name};
use super::reactor::scopes;
use super::store;
use super::targets::baseline::Baselines;
use super::window::{month_ends, period};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Definitions, Kpi};
use crate::metrics::facts::day_number;
use crate::web::sheet::{Cell, Kind, Sheet, download};
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(series))
        .routes(routes!(accounts))
        .routes(routes!(export))
        .routes(routes!(targets))
        .merge(super::targets::routes())
}

/// Which figures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The day (YYYY-MM-DD); today when left out.
    as_of: Option<String>,
    /// `segment`, `owner`, `stage` (the lifecycle stage) or a declared attribute's id: adds a line for each of its values.
    by: Option<String>,
}

/// A point of a trend.
#[derive(Serialize, ToSchema)]
struct Trend {
    /// The day.
    period: String,
    /// The figure.
    value: Option<f64>,
}

/// Every KPI's figure with its targets.
#[derive(Serialize, ToSchema)]
#[schema(as = KpiList)]
struct Overview {
    /// The day that the figures stand for.
    as_of: String,
    /// When the oldest of them was computed.
    computed_at: String,
    /// The currency of figures whose unit is money.
    currency: String,
    /// One line for each KPI, scope and target.
    kpis: Vec<Line>,
    /// The last thirteen months of each KPI over all accounts.
    trends: BTreeMap<String, Vec<Trend>>,
}

pub(super) fn definitions(app: &App) -> Result<std::sync::Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
        )
    })
}

/// Every KPI's figure, with target and status.
#[utoipa::path(get, path = "/api/v1/kpis", tag = "kpis", params(Asked), responses((status = 200, body = Overview)))]
async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Overview>> {
    let definitions = definitions(&app)?;
    let day = day_of(&app, asked.as_of.as_deref())?;
    let by = by_of(&app, &definitions, asked.by.as_deref()).await?;
    let kpis = overview::lines(&app, &definitions, day, &by).await?;
    let computed_at = kpis
        .iter()
        .map(|line| line.computed_at.clone())
        .filter(|at| !at.is_empty())
        .min();
    let trends = overview::trends(&app, day, 13).await?;
    let point = |(day, value): (Date, Option<f64>)| Trend {
        period: day.to_string(),
        value,
    };
    Ok(Json(Overview {
        as_of: day.to_string(),
        computed_at: computed_at.unwrap_or_else(|| instant(app.clock.micros())),
        currency: definitions.program.currency.clone(),
        kpis,
        trends: trends
            .into_iter()
            .map(|(kpi, points)| (kpi, points.into_iter().map(point).collect()))
            .collect(),
    }))
}

/// Which series.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeriesAsked {
    /// `month` (default): one figure for each month's end. `day`: one for each day, at most 92.
    grain: Option<String>,
    /// First day; a year before `to` when left out.
    from: Option<String>,
    /// Last day; today when left out.
    to: Option<String>,
    /// `segment`, `owner`, `stage` (the lifecycle stage), or a declared attribute's id; all accounts together when left out.
    by: Option<String>,
}

/// One figure of a series.
#[derive(Serialize, ToSchema)]
#[schema(as = SeriesPoint)]
struct Point {
    /// The day that it stands for.
    period: String,
    /// The figure; null = no data.
    value: Option<f64>,
    /// What was divided.
    numerator: Option<f64>,
    /// By what.
    denominator: Option<f64>,
    /// 95 % interval.
    interval: Option<[f64; 2]>,
    /// What the first target of this scope asks for on this day.
    target: Option<f64>,
}

/// The figures of one scope.
#[derive(Serialize, ToSchema)]
struct ScopeSeries {
    /// `all`, or a value of what it is split by.
    scope: String,
    /// Oldest first.
    points: Vec<Point>,
}

/// A KPI over time.
#[derive(Serialize, ToSchema)]
struct Series {
    /// The KPI.
    kpi: String,
    /// Its label.
    label: String,
    /// Its definition in words.
    description: String,
    /// Its unit.
    unit: &'static str,
    /// month or day.
    grain: String,
    /// The scopes.
    series: Vec<ScopeSeries>,
    /// When the oldest figure was computed.
    computed_at: String,
}

const MOST_POINTS: usize = 240;
const MOST_DAYS: usize = 92;

fn find<'a>(definitions: &'a Definitions, id: &str) -> Result<&'a Kpi> {
    definitions.kpi(id).ok_or_else(|| {
        let nearest = definitions
            .kpis
            .iter()
            .min_by_key(|kpi| strsim::levenshtein(&kpi.id, id));
        let hint = nearest
            .map(|kpi| format!("; the nearest name is {}", kpi.id))
            .unwrap_or_default();
        Problem::not_found(format!("there is no KPI {id}{hint}"))
    })
}

fn days_of(app: &App, asked: &SeriesAsked) -> Result<(String, Vec<Date>)> {
    let to = day_named(app, "to", asked.to.as_deref())?;
    let from = match asked.from.as_deref() {
        Some(text) => day_named(app, "from", Some(text))?,
        None => to.saturating_sub(jiff::Span::new().months(12)),
    };
    if from > to {
        return Err(Problem::field(
            "from",
            from,
            "lies after `to`",
            "swap the two days",
        ));
    }
    let grain = asked.grain.clone().unwrap_or_else(|| "month".to_owned());
    let (days, most) = match grain.as_str() {
        "month" => (month_ends(from, to), MOST_POINTS),
        "day" => {
            let last = day_number(to);
            (
                (day_number(from)..=last)
                    .map(crate::metrics::facts::date_of)
                    .collect(),
                MOST_DAYS,
            )
        }
        other => {
            return Err(Problem::field(
                "grain",
                other,
                "is not known",
                "ask for month or day",
            ));
        }
    };
    if days.len() > most {
        return Err(Problem::field(
            "from",
            from,
            format!("asks for {} figures; at most {most} are given", days.len()),
            "shorten the range or use grain=month",
        ));
    }
    Ok((grain, days))
}

/// The days on which the months of a series are known: with a lag a month's figure is that of the day so much later.
fn known_on(app: &App, kpi: &Kpi, grain: &str, days: Vec<Date>) -> Vec<Date> {
    let Some(lag) = kpi.lag.filter(|_| grain == "month") else {
        return days;
    };
    let today = crate::metrics::facts::date_of(crate::metrics::today(app));
    days.into_iter()
        .map(|day| day.saturating_add(jiff::Span::new().days(i64::from(lag.0))))
        .filter(|day| *day <= today)
        .collect()
}

async fn by_of(app: &App, definitions: &Definitions, by: Option<&str>) -> Result<By> {
    let name = match by {
        None | Some("" | "none") => return Ok(By::Nothing),
        Some(name) => name,
    };
    By::named(app, definitions, name).await?.ok_or_else(|| {
        if name == "stage" {
            return Problem::field(
                "by",
                name,
                "is not known here: the program names no lifecycle stage",
                "name the attribute that holds it, as `lifecycle_stage` in program.yaml",
            );
        }
        Problem::field(
            "by",
            name,
            "is not an attribute",
            "ask by=segment, by=owner, by=stage or by a declared attribute",
        )
    })
}

/// One KPI over time, by scope.
#[utoipa::path(get, path = "/api/v1/kpis/{id}/series", tag = "kpis", params(("id" = String, Path), SeriesAsked), responses((status = 200, body = Series)))]
async fn series(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<SeriesAsked>,
) -> Result<Json<Series>> {
    let definitions = definitions(&app)?;
    let kpi = find(&definitions, &id)?;
    let (grain, days) = days_of(&app, &asked)?;
    let days = known_on(&app, kpi, &grain, days);
    let by = by_of(&app, &definitions, asked.by.as_deref()).await?;
    let kept = kept_or_computed(&app, &definitions, kpi, &days, &by).await?;
    let baselines = Baselines::load(&app).await?;
    let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for one in kept.iter().filter(|k| by != By::Nothing || k.scope == ALL) {
        let target = definitions
            .targets
            .iter()
            .find(|t| t.kpi == kpi.id && t.scope == one.scope);
        let path = target.and_then(|t| baselines.path(kpi, t));
        series.entry(one.scope.clone()).or_default().push(Point {
            period: period(kpi.window, kpi.lag, one.day).last.to_string(),
            value: one.figure.value,
            numerator: one.figure.numerator,
            denominator: one.figure.denominator,
            interval: one.figure.interval.map(|(low, high)| [low, high]),
            target: path.map(|p| p.expected(day_number(one.day))),
        });
    }
    let computed_at = kept
        .iter()
        .map(|k| k.computed_at)
        .min()
        .unwrap_or_else(|| app.clock.micros());
    Ok(Json(Series {
        kpi: kpi.id.clone(),
        label: kpi.label.clone(),
        description: kpi.description.clone(),
        unit: unit_name(kpi.unit),
        grain,
        series: series
            .into_iter()
            .map(|(scope, points)| ScopeSeries { scope, points })
            .collect(),
        computed_at: instant(computed_at),
    }))
}

/// A KPI's figures of some days: those that are kept, and the others computed.
pub(super) async fn kept_or_computed(
    app: &App,
    definitions: &Definitions,
    kpi: &Kpi,
    days: &[Date],
    by: &By,
) -> Result<Vec<store::Kept>> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::new();
    if matches!(by, By::Nothing | By::Segment) {
        kept = store::of_kpi(&app.store, &kpi.id, *first, *last).await?;
        kept.retain(|k| days.contains(&k.day));
    }
    let missing: Vec<Date> = days
        .iter()
        .copied()
        .filter(|day| !kept.iter().any(|k| k.day == *day))
        .collect();
    if !missing.is_empty() {
        let wanted = if *by == By::Segment {
            scopes(definitions)
        } else {
            Vec::new()
        };
        let now = app.clock.micros();
        let cells = figures(app, definitions, &[kpi], &missing, by, &wanted).await?;
        kept.extend(cells.into_iter().map(|cell| store::Kept {
            kpi: cell.kpi,
            day: cell.period.day,
            scope: cell.scope,
            figure: cell.figure,
            computed_at: now,
        }));
        kept.sort_by_key(|k| k.day);
    }
    Ok(kept)
}

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountsAsked {
    /// The day; today when left out.
    as_of: Option<String>,
    /// `all` (default), or a value of what `by` says.
    scope: Option<String>,
    /// What `scope` is a value of: `segment` (default), `owner`, `stage`, `item` (a part of the KPI's own, such as a reason) or an attribute.
    by: Option<String>,
    /// Only accounts of this segment.
    segment: Option<String>,
    /// Only accounts of this owner; `(none)` = without an owner.
    owner: Option<String>,
    /// `numerator`: those that count there; `denominator` (default): all that count; `rest`: in the denominator only.
    side: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Rows of a page, 1 to 500 (default 50).
    limit: Option<usize>,
}

/// One account's part in a figure.
#[derive(Serialize, ToSchema)]
struct AccountPart {
    /// The account's id; empty = events that belong to no account.
    account_id: String,
    /// Its name.
    name: String,
    /// Its segment on the day that counts.
    segment: String,
    /// What it adds to the numerator.
    numerator: f64,
    /// What it adds to the denominator.
    denominator: f64,
}

/// Who is in a figure.
#[derive(Serialize, ToSchema)]
#[schema(as = KpiAccounts)]
struct Parts {
    /// The accounts of this page, greatest numerator first.
    items: Vec<AccountPart>,
    /// How many there are in all.
    total: usize,
    /// The next page; null = this is the last.
    next_cursor: Option<String>,
}

/// Who is in a KPI's numerator and denominator.
#[utoipa::path(get, path = "/api/v1/kpis/{id}/accounts", tag = "kpis", params(("id" = String, Path), AccountsAsked), responses((status = 200, body = Parts)))]
async fn accounts(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<AccountsAsked>,
) -> Result<Json<Parts>> {
    let offset: usize = match asked.cursor.as_deref() {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| {
            Problem::field(
                "cursor",
                text,
                "is not a cursor",
                "send `next_cursor` of the page before, unchanged",
            )
        })?,
    };
    let limit = asked.limit.unwrap_or(50).clamp(1, 500);
    let definitions = definitions(&app)?;
    let kpi = find(&definitions, &id)?;
    let all = chosen(&app, &definitions, kpi, &asked).await?;
    let total = all.len();
    let items = all.into_iter().skip(offset).take(limit);
    let items: Vec<AccountPart> = items.map(|part| named(&app, part)).collect();
    let next = offset + items.len();
    Ok(Json(Parts {
        items,
        total,
        next_cursor: (next < total).then(|| next.to_string()),
    }))
}

/// An account's part with its name.
fn named(app: &App, part: Part) -> AccountPart {
    let entry = app.metrics.book.get(part.account_no);
    AccountPart {
        account_id: entry.as_ref().map(|e| e.id.clone()).unwrap_or_default(),
        name: entry
            .as_ref()
            .map_or_else(|| "not attributed to an account".to_owned(), |e| e.name.clone()),
        segment: part.scope,
        numerator: part.numerator,
        denominator: part.denominator,
    }
}

/// Everybody on the asked side of a figure, greatest numerator first.
async fn chosen(app: &App, definitions: &Definitions, kpi: &Kpi, asked: &AccountsAsked) -> Result<Vec<Part>> {
    let day = day_of(app, asked.as_of.as_deref())?;
    let side = asked.side.as_deref().unwrap_or("denominator");
    if !["numerator", "denominator", "rest"].contains(&side) {
        return Err(Problem::field(
            "side",
            side,
            "is not known",
            "ask for numerator, denominator or rest",
        ));
    }
    let by = match asked.by.as_deref() {
        None | Some("") => By::Segment,
        Some("item") => By::Item,
        other => by_of(app, definitions, other).await?,
    };
    let filled = |text: &Option<String>| text.clone().filter(|t| !t.is_empty() && t != ALL);
    let only = Only {
        segment: filled(&asked.segment),
        owner: filled(&asked.owner),
    };
    let scope = filled(&asked.scope);
    let mut all = parts_of(app, definitions, kpi, day, (&by, scope.as_deref()), &only).await?;
    all.retain(|part| match side {
        "numerator" => part.numerator != 0.0,
        "rest" => part.numerator == 0.0,
        _ => true,
    });
    all.sort_by(|a, b| {
        b.numerator
            .total_cmp(&a.numerator)
            .then(b.denominator.total_cmp(&a.denominator))
            .then(a.account_no.cmp(&b.account_no))
    });
    Ok(all)
}

/// Who is in a KPI's numerator and denominator, as a file: `csv` or `xlsx`. Cursor and limit do not matter here.
#[utoipa::path(get, path = "/api/v1/exports/kpis/{id}/accounts/{format}", tag = "kpis", params(("id" = String, Path), ("format" = String, Path, description = "csv or xlsx"), AccountsAsked), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn export(
    _: Viewer,
    State(app): State<App>,
    Path((id, format)): Path<(String, String)>,
    Query(asked): Query<AccountsAsked>,
) -> Result<Response> {
    let kind = Kind::named(&format)?;
    let definitions = definitions(&app)?;
    let kpi = find(&definitions, &id)?;
    let day = day_of(&app, asked.as_of.as_deref())?.to_string();
    let all = chosen(&app, &definitions, kpi, &asked).await?;
    let unit = (unit_name(kpi.unit) == "money").then_some("money");
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| ALL.to_owned());
    let filters = format!(
        "side: {}; scope: {}; segment: {}; owner: {}",
        asked.side.as_deref().unwrap_or("denominator"),
        said(&asked.scope),
        said(&asked.segment),
        said(&asked.owner)
    );
    let about = [
        ("Accounts behind", kpi.label.clone()),
        ("Program", definitions.program.title.clone()),
        ("Filters", filters),
        ("As of", day.clone()),
        ("Computed at", instant(app.clock.micros())),
    ];
    let sheet = Sheet {
        name: kpi.label.clone(),
        about: about.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        head: [
            "Account id",
            "Account",
            "Segment or part",
            "Numerator",
            "Denominator",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: all
            .into_iter()
            .map(|part| named(&app, part))
            .map(|part| {
                vec![
                    Cell::text(part.account_id),
                    Cell::text(part.name),
                    Cell::text(part.segment),
                    Cell::number(Some(part.numerator), unit),
                    Cell::number(Some(part.denominator), unit),
                ]
            })
            .collect(),
    };
    download(&[&kpi.label, "accounts", &day], kind, &[sheet])
}

/// Which day.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DayAsked {
    /// The day; today when left out.
    as_of: Option<String>,
}

/// The registry of targets.
#[derive(Serialize, ToSchema)]
struct Targets {
    /// The day that values and statuses stand for.
    as_of: String,
    /// Every target, in the program's order.
    targets: Vec<TargetLine>,
}

/// Every target with its baseline, status and conflicts.
#[utoipa::path(get, path = "/api/v1/targets", tag = "kpis", params(DayAsked), responses((status = 200, body = Targets)))]
async fn targets(_: Viewer, State(app): State<App>, Query(asked): Query<DayAsked>) -> Result<Json<Targets>> {
    let definitions = definitions(&app)?;
    let day = day_of(&app, asked.as_of.as_deref())?;
    let targets = overview::targets(&app, &definitions, day).await?;
    Ok(Json(Targets {
        as_of: day.to_string(),
        targets,
    }))
}
