//! Handlers of dashboards.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::filters::{Compare, Filters, Said};
use super::frame::Data;
use super::page;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Dashboard, Definitions, Grain, Tile};
use crate::kpis::overview::instant;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(data))
}

pub(super) fn definitions(app: &App) -> Result<Arc<Definitions>> {
    app.definitions().ok_or_else(|| {
        Problem::conflict(
            "no program is applied yet: run `tenure program apply DIR`, or apply one under Settings",
        )
    })
}

/// A dashboard in the list.
#[derive(Serialize, ToSchema)]
struct DashboardLine {
    id: String,
    title: String,
    /// The heading that it stands under.
    group: String,
    description: String,
    /// Which document asks for it.
    source: String,
    /// Whether it belongs to the program and is changed there.
    shipped: bool,
    /// Number of tiles.
    tiles: usize,
}

/// All dashboards that the caller may see.
#[derive(Serialize, ToSchema)]
struct DashboardList {
    /// Those of the program first, in the order of its files.
    dashboards: Vec<DashboardLine>,
}

/// Every dashboard.
#[utoipa::path(get, path = "/api/v1/dashboards", tag = "dashboards", responses((status = 200, body = DashboardList)))]
async fn list(_: Viewer, State(app): State<App>) -> Result<Json<DashboardList>> {
    let definitions = definitions(&app)?;
    let dashboards = definitions
        .dashboards
        .iter()
        .map(|dashboard| DashboardLine {
            id: dashboard.id.clone(),
            title: dashboard.title.clone(),
            group: dashboard.group.clone(),
            description: dashboard.description.clone(),
            source: dashboard.source.clone(),
            shipped: true,
            tiles: dashboard.tiles.len(),
        })
        .collect();
    Ok(Json(DashboardList { dashboards }))
}

/// A dashboard's definition.
#[derive(Serialize, ToSchema)]
struct DashboardPage {
    id: String,
    title: String,
    group: String,
    description: String,
    source: String,
    /// Whether it belongs to the program and is changed there.
    shipped: bool,
    /// The segment that it opens with; null = all.
    segment: Option<String>,
    /// The tiles, in reading order.
    tiles: Vec<Tile>,
}

fn found(definitions: &Definitions, id: &str) -> Result<Dashboard> {
    definitions.dashboard(id).cloned().ok_or_else(|| {
        let nearest = definitions
            .dashboards
            .iter()
            .min_by_key(|dashboard| strsim::levenshtein(&dashboard.id, id));
        let hint = nearest
            .map(|dashboard| format!("; the nearest name is {}", dashboard.id))
            .unwrap_or_default();
        Problem::not_found(format!("there is no dashboard {id}{hint}"))
    })
}

/// How a dashboard is made.
#[utoipa::path(get, path = "/api/v1/dashboards/{id}", tag = "dashboards", params(("id" = String, Path)), responses((status = 200, body = DashboardPage)))]
async fn show(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<DashboardPage>> {
    let definitions = definitions(&app)?;
    let dashboard = found(&definitions, &id)?;
    Ok(Json(DashboardPage {
        id: dashboard.id,
        title: dashboard.title,
        group: dashboard.group,
        description: dashboard.description,
        source: dashboard.source,
        shipped: true,
        segment: dashboard.segment,
        tiles: dashboard.tiles,
    }))
}

/// The filters of a page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[schema(as = DashboardFilters)]
pub(super) struct Asked {
    /// How many points in time and how far apart, such as 30d, 26w, 13m or 8q; each tile decides when left out.
    period: Option<String>,
    /// What figures are compared with: `previous` (default), `year` or `none`.
    compare: Option<String>,
    /// A segment, or `all`; what the dashboard opens with when left out.
    segment: Option<String>,
    /// An owner's e-mail address; `(none)` = without an owner.
    owner: Option<String>,
    /// The day; today when left out.
    as_of: Option<String>,
}

impl Asked {
    pub(super) fn filters(
        &self,
        app: &App,
        definitions: &Definitions,
        default: Option<&str>,
    ) -> Result<Filters> {
        let said = Said {
            period: self.period.as_deref(),
            compare: self.compare.as_deref(),
            segment: self.segment.as_deref(),
            owner: self.owner.as_deref(),
            as_of: self.as_of.as_deref(),
        };
        Filters::read(app, definitions, &said, default)
    }
}

/// A choice of a filter.
#[derive(Serialize, ToSchema)]
struct FilterChoice {
    id: String,
    label: String,
}

/// The filters that a page was made with.
#[derive(Serialize, ToSchema)]
struct FiltersUsed {
    /// Null = each tile's own.
    period: Option<String>,
    compare: &'static str,
    /// `all`, or a segment.
    segment: String,
    owner: Option<String>,
}

/// A whole page of figures.
#[derive(Serialize, ToSchema)]
pub(super) struct DashboardData {
    id: String,
    title: String,
    description: String,
    source: String,
    shipped: bool,
    /// The day that everything stands for.
    as_of: String,
    /// When the oldest figure was computed.
    computed_at: String,
    /// The currency of figures whose unit is money.
    currency: String,
    filters: FiltersUsed,
    /// The segments that can be chosen.
    segments: Vec<FilterChoice>,
    /// The owners that can be chosen, at most 500.
    owners: Vec<String>,
    tiles: Vec<Data>,
}

fn used(filters: &Filters) -> FiltersUsed {
    FiltersUsed {
        period: filters.period.map(|(count, grain)| {
            let unit = match grain {
                Grain::Day => 'd',
                Grain::Week => 'w',
                Grain::Month => 'm',
                Grain::Quarter => 'q',
            };
            format!("{count}{unit}")
        }),
        compare: match filters.compare {
            Compare::Nothing => "none",
            Compare::Previous => "previous",
            Compare::Year => "year",
        },
        segment: filters.segment.clone().unwrap_or_else(|| "all".to_owned()),
        owner: filters.owner.clone(),
    }
}

/// The data of a dashboard's tiles.
///
/// # Errors
/// When the page asks too much, or the records fail.
pub(super) async fn filled(
    app: &App,
    definitions: &Arc<Definitions>,
    dashboard: &Dashboard,
    filters: &Filters,
    shipped: bool,
) -> Result<DashboardData> {
    let tiles = page::build(app, definitions, &dashboard.tiles, filters).await?;
    let oldest = tiles.iter().filter_map(|tile| tile.computed_at.clone()).min();
    let owners: BTreeSet<String> = app
        .metrics
        .book
        .all()
        .iter()
        .filter_map(|entry| entry.owner.clone())
        .collect();
    Ok(DashboardData {
        id: dashboard.id.clone(),
        title: dashboard.title.clone(),
        description: dashboard.description.clone(),
        source: dashboard.source.clone(),
        shipped,
        as_of: filters.day.to_string(),
        computed_at: oldest.unwrap_or_else(|| instant(app.clock.micros())),
        currency: definitions.program.currency.clone(),
        filters: used(filters),
        segments: definitions
            .segments
            .segments
            .iter()
            .map(|segment| FilterChoice {
                id: segment.id.clone(),
                label: segment.label.clone(),
            })
            .collect(),
        owners: owners.into_iter().take(500).collect(),
        tiles,
    })
}

/// A whole page of figures: every tile with its data.
#[utoipa::path(get, path = "/api/v1/dashboards/{id}/data", tag = "dashboards", params(("id" = String, Path), Asked), responses((status = 200, body = DashboardData)))]
async fn data(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<DashboardData>> {
    let definitions = definitions(&app)?;
    let dashboard = found(&definitions, &id)?;
    let filters = asked.filters(&app, &definitions, dashboard.segment.as_deref())?;
    Ok(Json(
        filled(&app, &definitions, &dashboard, &filters, true).await?,
    ))
}
