//! A whole page of figures in one go.

use std::sync::Arc;

use super::answers::{self, Ask};
use super::base::{self, Base};
use super::figures::{self, Page};
use super::filters::Filters;
use super::frame::{Data, State};
use super::query;
use crate::App;
use crate::definitions::{Definitions, Tile, TileKind};
use crate::kpis::overview::Targets;
use crate::kpis::reading::{Readings, Want};
use crate::web::{Problem, Result};

/// Figures of a page that may have to be computed at most: KPIs × days.
const MOST_FIGURES: usize = 6_000;

/// What a tile is made of.
enum Source {
    Kpis,
    Accounts,
    Query,
    Words,
}

fn source(tile: &Tile) -> Source {
    match tile.kind {
        TileKind::Text => Source::Words,
        _ if tile.sql.is_some() => Source::Query,
        _ if !tile.kpis.is_empty() => Source::Kpis,
        _ => Source::Accounts,
    }
}

/// The data of every tile, in their order. A tile that cannot be made says why and leaves the others alone. The answers of queries are kept
/// with `keeps`: not those of tiles that are being made.
///
/// # Errors
/// When the page as a whole asks too much, or the records fail.
pub async fn build(
    app: &App,
    definitions: &Arc<Definitions>,
    tiles: &[Tile],
    filters: &Filters,
    keeps: bool,
) -> Result<Vec<Data>> {
    let targets = Targets::load(app, definitions).await?;
    let stages = figures::stages_of(app, definitions, tiles).await?;
    let page = Page {
        app,
        definitions,
        filters,
        targets: &targets,
        stages: stages.as_ref(),
        keeps,
    };
    let wants = wanted(&page, tiles);
    let readings = read(app, definitions, &wants).await?;
    let mut people: Option<Base> = None;
    let mut all = Vec::with_capacity(tiles.len());
    for (tile, readings) in tiles.iter().zip(&readings) {
        let data = match (&tile.waits_for, source(tile)) {
            (Some(what), _) => Data::of(tile).with(State::Waiting, what.clone()),
            (None, Source::Words) => Data::of(tile),
            (None, Source::Query) => query::build(&page, tile).await,
            (None, Source::Kpis) => match readings {
                Ok(readings) => figures::build(&page, tile, readings),
                Err(note) => Data::of(tile).with(State::Failed, note.clone()),
            },
            (None, Source::Accounts) => {
                let base = match people.take() {
                    Some(base) => base,
                    None => Base::load(&page).await?,
                };
                let made = base::build(&page, tile, &base);
                people = Some(base);
                match made {
                    Ok(data) => data,
                    Err(problem) if problem.status < 500 => base::failed(tile, &told(&problem)),
                    Err(problem) => return Err(problem),
                }
            }
        };
        all.push(data);
    }
    Ok(all)
}

/// Computes the figures and answers that the tiles read, as far as they are not kept, so that [`build`] finds them.
///
/// # Errors
/// As [`build`].
pub async fn warm(
    app: &App,
    definitions: &Arc<Definitions>,
    tiles: &[Tile],
    filters: &Filters,
) -> Result<()> {
    let targets = Targets::load(app, definitions).await?;
    let stages = figures::stages_of(app, definitions, tiles).await?;
    let page = Page {
        app,
        definitions,
        filters,
        targets: &targets,
        stages: stages.as_ref(),
        keeps: true,
    };
    let wants = wanted(&page, tiles);
    read(app, definitions, &wants).await?;
    // Who opens it looks at their own accounts next.
    Readings::make_ready(app, definitions, &wants.concat()).await?;
    for tile in tiles.iter().filter(|tile| tile.waits_for.is_none()) {
        if let Some(ask) = Ask::of(app, tile, filters) {
            answers::make_ready(app, definitions, &ask).await;
        }
    }
    Ok(())
}

/// What each tile reads of the KPIs.
fn wanted(page: &Page<'_>, tiles: &[Tile]) -> Vec<Vec<Want>> {
    let of = |tile: &Tile| match source(tile) {
        Source::Kpis if tile.waits_for.is_none() => figures::wants(page, tile),
        _ => Vec::new(),
    };
    tiles.iter().map(of).collect()
}

/// A problem of one tile in a sentence.
fn told(problem: &Problem) -> String {
    problem.errors.first().map_or_else(
        || problem.detail.clone(),
        |error| format!("{}. {}", error.problem.trim_end_matches('.'), error.remedy),
    )
}

/// What each tile reads, or why it cannot be read.
type Read = std::result::Result<Arc<Readings>, String>;

async fn read(app: &App, definitions: &Arc<Definitions>, wants: &[Vec<Want>]) -> Result<Vec<Read>> {
    let asked: usize = wants.iter().flatten().map(|want| want.days.len()).sum();
    if asked > MOST_FIGURES {
        return Err(Problem::field(
            "period",
            asked,
            format!("makes this page read {asked} figures; at most {MOST_FIGURES} are read at once"),
            "ask for a shorter period, or split the dashboard",
        ));
    }
    let flat: Vec<Want> = wants.iter().flatten().cloned().collect();
    match Readings::load(app, definitions, &flat).await {
        Ok(all) => {
            let all = Arc::new(all);
            Ok(wants.iter().map(|_| Ok(Arc::clone(&all))).collect())
        }
        // One KPI whose facts fail does not take the page with it: each tile is read for itself.
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "a page of figures could not be read at once");
            let mut each = Vec::with_capacity(wants.len());
            for wants in wants {
                each.push(
                    Readings::load(app, definitions, wants)
                        .await
                        .map(Arc::new)
                        .map_err(|error| {
                            let text = format!("{error:#}");
                            let short: String = text.chars().take(300).collect();
                            format!("The figure could not be computed: {short}")
                        }),
                );
            }
            Ok(each)
        }
    }
}
