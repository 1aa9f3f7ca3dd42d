//! Handlers of dashboards.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::filters::{Compare, Filters, Said};
use super::frame::{Data, State as Stands};
use super::own::{self, Form, Sharing, tag};
use super::store::{self, Kept};
use super::{export, own_api, page};
use crate::App;
use crate::auth::{Principal, Viewer};
use crate::definitions::edit::dashboard_text;
use crate::definitions::{Dashboard, Definitions, Grain, Tile};
use crate::kpis::overview::instant;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of this slice.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, own_api::add))
        .routes(routes!(preview))
        .routes(routes!(show, own_api::change, own_api::remove))
        .routes(routes!(own_api::share))
        .routes(routes!(own_api::restore))
        .routes(routes!(data))
        .routes(routes!(export::page))
        .routes(routes!(export::tile))
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
    /// The heading that it stands under; empty for those that people made.
    group: String,
    description: String,
    /// Which document asks for it.
    source: String,
    /// Whether it belongs to the program and is changed there.
    shipped: bool,
    /// Number of tiles.
    tiles: i64,
    /// Whom it is shown to; null = it belongs to the program.
    sharing: Option<Sharing>,
    /// Who made it; null = it belongs to the program.
    owner: Option<String>,
    /// Whether the caller made it.
    mine: bool,
    /// Its version; 0 = it belongs to the program.
    version: i64,
    /// When it was changed last; null = it belongs to the program.
    updated_at: Option<String>,
    /// When it was removed; null = it is there.
    removed_at: Option<String>,
}

/// All dashboards that the caller may see.
#[derive(Serialize, ToSchema)]
struct DashboardList {
    /// Those of the program first, in the order of its files, then those of people by title.
    dashboards: Vec<DashboardLine>,
    /// The caller's own that were removed within 30 days and can be brought back.
    removed: Vec<DashboardLine>,
}

fn shipped_line(dashboard: &Dashboard) -> DashboardLine {
    DashboardLine {
        id: dashboard.id.clone(),
        title: dashboard.title.clone(),
        group: dashboard.group.clone(),
        description: dashboard.description.clone(),
        source: dashboard.source.clone(),
        shipped: true,
        tiles: i64::try_from(dashboard.tiles.len()).unwrap_or(i64::MAX),
        sharing: None,
        owner: None,
        mine: false,
        version: 0,
        updated_at: None,
        removed_at: None,
    }
}

/// Names of people by actor.
async fn names(app: &App) -> Result<HashMap<String, String>> {
    let people = crate::auth::people(app).await?;
    Ok(people
        .into_iter()
        .map(|person| (format!("user:{}", person.id), person.name))
        .collect())
}

fn name_of(names: &HashMap<String, String>, actor: &str) -> String {
    names.get(actor).cloned().unwrap_or_else(|| actor.to_owned())
}

/// Every dashboard: those of the program, and those that people made as far as the caller may see them.
#[utoipa::path(get, path = "/api/v1/dashboards", tag = "dashboards", responses((status = 200, body = DashboardList)))]
async fn list(Viewer(who): Viewer, State(app): State<App>) -> Result<Json<DashboardList>> {
    let definitions = definitions(&app)?;
    let kept = store::of(&app.store, &who.actor).await?;
    let names = names(&app).await?;
    let (mut dashboards, mut removed): (Vec<_>, Vec<_>) = (
        definitions.dashboards.iter().map(shipped_line).collect(),
        Vec::new(),
    );
    for it in kept {
        let gone = it.removed_at.is_some();
        let line = DashboardLine {
            title: it.title,
            group: String::new(),
            description: it.description,
            source: String::new(),
            shipped: false,
            tiles: it.tiles,
            sharing: Some(it.sharing),
            owner: Some(name_of(&names, &it.owner)),
            mine: it.owner == who.actor,
            version: it.version,
            updated_at: Some(instant(it.updated_at)),
            removed_at: it.removed_at.map(instant),
            id: it.id,
        };
        if gone { &mut removed } else { &mut dashboards }.push(line);
    }
    Ok(Json(DashboardList { dashboards, removed }))
}

/// A dashboard's definition.
#[derive(Serialize, ToSchema)]
pub(super) struct DashboardPage {
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
    /// Itself as the text of a file of a program.
    yaml: String,
    /// Its version, as in the `ETag`; 0 = it belongs to the program.
    version: i64,
    /// Whom it is shown to; null = it belongs to the program.
    sharing: Option<Sharing>,
    /// Who made it; null = it belongs to the program.
    owner: Option<String>,
    /// Whether the caller made it.
    mine: bool,
    /// Whether the caller may change what is on it.
    may_edit: bool,
    /// Whether the caller may share, remove and bring it back.
    may_govern: bool,
    /// When it was changed last; null = it belongs to the program.
    updated_at: Option<String>,
    /// By whom.
    pub(super) updated_by: Option<String>,
    /// When it was removed; null = it is there.
    removed_at: Option<String>,
}

/// A person's dashboard as it is shown to somebody.
pub(super) async fn page_of(app: &App, who: &Principal, kept: Kept) -> Result<DashboardPage> {
    let names = names(app).await?;
    let (may_edit, may_govern) = (kept.changed_by(who), kept.governed_by(who));
    let dashboard = kept.read()?;
    Ok(DashboardPage {
        id: dashboard.id,
        title: dashboard.title,
        group: dashboard.group,
        description: dashboard.description,
        source: dashboard.source,
        shipped: false,
        segment: dashboard.segment,
        tiles: dashboard.tiles,
        version: kept.version,
        sharing: Some(kept.sharing),
        owner: Some(name_of(&names, &kept.owner)),
        mine: kept.owner == who.actor,
        may_edit,
        may_govern,
        updated_at: Some(instant(kept.updated_at)),
        updated_by: Some(name_of(&names, &kept.updated_by)),
        removed_at: kept.removed_at.map(instant),
        yaml: kept.body,
    })
}

/// A dashboard that somebody may see: of the program, or a person's.
pub(super) async fn visible(
    app: &App,
    definitions: &Definitions,
    who: &Principal,
    id: &str,
) -> Result<(Dashboard, Option<Kept>)> {
    if let Some(dashboard) = definitions.dashboard(id) {
        return Ok((dashboard.clone(), None));
    }
    let kept = store::get(&app.store, id).await?;
    if let Some(kept) = kept.filter(|kept| kept.shown_to(who) && kept.removed_at.is_none()) {
        return Ok((kept.read()?, Some(kept)));
    }
    let nearest = definitions
        .dashboards
        .iter()
        .min_by_key(|dashboard| strsim::levenshtein(&dashboard.id, id));
    let hint = nearest
        .map(|dashboard| format!("; the nearest name is {}", dashboard.id))
        .unwrap_or_default();
    Err(Problem::not_found(format!("there is no dashboard {id}{hint}")))
}

/// How a dashboard is made.
#[utoipa::path(get, path = "/api/v1/dashboards/{id}", tag = "dashboards", params(("id" = String, Path)), responses((status = 200, body = DashboardPage)))]
async fn show(Viewer(who): Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let definitions = definitions(&app)?;
    let (dashboard, kept) = visible(&app, &definitions, &who, &id).await?;
    if let Some(kept) = kept {
        let version = kept.version;
        let page = page_of(&app, &who, kept).await?;
        return Ok(([(header::ETAG, tag(version))], axum::Json(page)).into_response());
    }
    Ok(axum::Json(DashboardPage {
        yaml: dashboard_text(&dashboard),
        id: dashboard.id,
        title: dashboard.title,
        group: dashboard.group,
        description: dashboard.description,
        source: dashboard.source,
        shipped: true,
        segment: dashboard.segment,
        tiles: dashboard.tiles,
        version: 0,
        sharing: None,
        owner: None,
        mine: false,
        may_edit: false,
        may_govern: false,
        updated_at: None,
        updated_by: None,
        removed_at: None,
    })
    .into_response())
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
pub(super) struct FilterChoice {
    pub(super) id: String,
    pub(super) label: String,
}

/// The filters that a page was made with.
#[derive(Serialize, ToSchema)]
pub(super) struct FiltersUsed {
    /// Null = each tile's own.
    pub(super) period: Option<String>,
    pub(super) compare: &'static str,
    /// `all`, or a segment.
    pub(super) segment: String,
    pub(super) owner: Option<String>,
}

/// A whole page of figures.
#[derive(Serialize, ToSchema)]
pub(super) struct DashboardData {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) source: String,
    pub(super) shipped: bool,
    /// The name of the program.
    pub(super) program: String,
    /// Its version; 0 = it belongs to the program.
    pub(super) version: i64,
    /// Whom it is shown to; null = it belongs to the program.
    pub(super) sharing: Option<Sharing>,
    /// Whether the caller may change what is on it.
    pub(super) may_edit: bool,
    /// Whether the caller may share and remove it.
    pub(super) may_govern: bool,
    /// The day that everything stands for.
    pub(super) as_of: String,
    /// When the oldest figure was computed.
    pub(super) computed_at: String,
    /// The currency of figures whose unit is money.
    pub(super) currency: String,
    pub(super) filters: FiltersUsed,
    /// The segments that can be chosen.
    pub(super) segments: Vec<FilterChoice>,
    /// The owners that can be chosen, at most 500.
    pub(super) owners: Vec<String>,
    pub(super) tiles: Vec<Data>,
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

/// The data of a dashboard's tiles; the answers of queries are kept with `keeps`.
///
/// # Errors
/// When the page asks too much, or the records fail.
pub(super) async fn filled(
    app: &App,
    definitions: &Arc<Definitions>,
    who: &Principal,
    (dashboard, kept): (&Dashboard, Option<&Kept>),
    (filters, keeps): (&Filters, bool),
) -> Result<DashboardData> {
    let tiles = tiles(app, definitions, (dashboard, kept), (filters, keeps)).await?;
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
        shipped: definitions.dashboard(&dashboard.id).is_some(),
        program: definitions.program.title.clone(),
        version: kept.map_or(0, |kept| kept.version),
        sharing: kept.map(|kept| kept.sharing),
        may_edit: kept.is_some_and(|kept| kept.changed_by(who)),
        may_govern: kept.is_some_and(|kept| kept.governed_by(who)),
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

/// The tiles with their data; those of a person that the program no longer allows say why.
async fn tiles(
    app: &App,
    definitions: &Arc<Definitions>,
    (dashboard, kept): (&Dashboard, Option<&Kept>),
    (filters, keeps): (&Filters, bool),
) -> Result<Vec<Data>> {
    let faults = kept.map_or_else(BTreeMap::new, |kept| {
        own::outdated(definitions, &kept.body, &mut dashboard.clone())
    });
    if faults.is_empty() {
        return page::build(app, definitions, &dashboard.tiles, filters, keeps).await;
    }
    let sound: Vec<Tile> = dashboard
        .tiles
        .iter()
        .enumerate()
        .filter(|(at, _)| !faults.contains_key(at))
        .map(|(_, tile)| tile.clone())
        .collect();
    let mut made = page::build(app, definitions, &sound, filters, keeps)
        .await?
        .into_iter();
    let all = dashboard
        .tiles
        .iter()
        .enumerate()
        .map(|(at, tile)| match faults.get(&at) {
            Some(words) => Data::of(tile).with(Stands::Failed, words.clone()),
            None => made.next().unwrap_or_else(|| Data::of(tile)),
        });
    Ok(all.collect())
}

/// A whole page of figures: every tile with its data.
#[utoipa::path(get, path = "/api/v1/dashboards/{id}/data", tag = "dashboards", params(("id" = String, Path), Asked), responses((status = 200, body = DashboardData)))]
async fn data(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<DashboardData>> {
    Ok(Json(found(&app, &who, &id, &asked).await?))
}

/// A dashboard's data for what was asked.
pub(super) async fn found(app: &App, who: &Principal, id: &str, asked: &Asked) -> Result<DashboardData> {
    let definitions = definitions(app)?;
    let (mut dashboard, kept) = visible(app, &definitions, who, id).await?;
    if let Some(kept) = &kept {
        own::outdated(&definitions, &kept.body, &mut dashboard);
    }
    let filters = asked.filters(app, &definitions, dashboard.segment.as_deref())?;
    filled(
        app,
        &definitions,
        who,
        (&dashboard, kept.as_ref()),
        (&filters, true),
    )
    .await
}

/// A dashboard, or some of its tiles, that is not kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DashboardPreview)]
struct Previewed {
    /// What to show.
    definition: Form,
    /// The filters of the page.
    #[serde(default)]
    filters: Asked,
}

/// Shows tiles while they are being made. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/dashboards/preview", tag = "dashboards", request_body = Previewed, responses((status = 200, body = DashboardData)))]
async fn preview(
    Viewer(who): Viewer,
    State(app): State<App>,
    Json(asked): Json<Previewed>,
) -> Result<Json<DashboardData>> {
    let definitions = definitions(&app)?;
    let id = format!("{}preview", own::PREFIX);
    let (_, dashboard) = own::accepted(&app, &definitions, &id, own::Sent::Form(asked.definition)).await?;
    let filters = asked
        .filters
        .filters(&app, &definitions, dashboard.segment.as_deref())?;
    Ok(Json(
        filled(&app, &definitions, &who, (&dashboard, None), (&filters, false)).await?,
    ))
}
