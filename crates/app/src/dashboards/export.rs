//! Pages and tiles as files for spreadsheets: a table for each tile, with what has to be known to read it.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value as Json;

use super::api::{Asked, DashboardData, found};
use super::frame::{Data, Freshness, State as Stands};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::TileKind;
use crate::web::sheet::{Cell, Kind, Sheet, download};
use crate::web::{Path, Problem, Query, Result};

/// A page as a file: `csv` (a zip with a file for each tile) or `xlsx` (a sheet for each tile).
#[utoipa::path(get, path = "/api/v1/dashboards/{id}/export/{format}", tag = "dashboards", params(("id" = String, Path), ("format" = String, Path, description = "csv or xlsx"), Asked), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn page(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path((id, format)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let kind = Kind::named(&format)?;
    let page = found(&app, &who, &id, &asked).await?;
    let mut sheets = vec![contents(&page)];
    sheets.extend(page.tiles.iter().map(|tile| sheet(&page, tile)));
    download(&[&page.title, &page.as_of], kind, &sheets)
}

/// A tile as a file: `csv` or `xlsx`.
#[utoipa::path(get, path = "/api/v1/dashboards/{id}/tiles/{tile}/export/{format}", tag = "dashboards", params(("id" = String, Path), ("tile" = String, Path), ("format" = String, Path, description = "csv or xlsx"), Asked), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn tile(
    Viewer(who): Viewer,
    State(app): State<App>,
    Path((id, tile, format)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let kind = Kind::named(&format)?;
    let page = found(&app, &who, &id, &asked).await?;
    let known = page.tiles.iter().find(|it| it.id == tile).ok_or_else(|| {
        Problem::not_found(format!(
            "the dashboard {id} has no tile {tile}; GET it to see those it has"
        ))
    })?;
    let name = name_of(known);
    download(&[&page.title, &name, &page.as_of], kind, &[sheet(&page, known)])
}

fn name_of(tile: &Data) -> String {
    if tile.title.is_empty() {
        tile.id.clone()
    } else {
        tile.title.clone()
    }
}

/// The filters of a page in words.
fn filters(page: &DashboardData) -> String {
    let segment = &page.filters.segment;
    let label = page.segments.iter().find(|it| it.id == *segment);
    let segment = match segment.as_str() {
        "all" => "all accounts",
        other => label.map_or(other, |it| it.label.as_str()),
    };
    let owner = page.filters.owner.as_deref().unwrap_or("everyone");
    let period = page.filters.period.as_deref().unwrap_or("as each tile says");
    let compare = match page.filters.compare {
        "previous" => "the period before",
        "year" => "the year before",
        _ => "nothing",
    };
    format!("segment: {segment}; owner: {owner}; period: {period}; compared with: {compare}")
}

fn about(page: &DashboardData, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let filters = filters(page);
    let all = [
        ("Dashboard", page.title.as_str()),
        ("Program", &page.program),
        ("Filters", &filters),
        ("Figures up to", &page.as_of),
    ];
    all.iter()
        .chain(more)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// What the page holds: the first sheet.
fn contents(page: &DashboardData) -> Sheet {
    Sheet {
        name: "Contents".to_owned(),
        about: about(
            page,
            &[
                ("Computed at", &page.computed_at),
                ("About", &page.description),
                ("Source", &page.source),
            ],
        ),
        head: ["Tile", "Kind", "State", "Value", "Computed at", "Note"]
            .map(str::to_owned)
            .to_vec(),
        rows: page
            .tiles
            .iter()
            .map(|tile| {
                vec![
                    Cell::text(name_of(tile)),
                    Cell::text(word(tile.kind)),
                    Cell::text(word(tile.state)),
                    Cell::number(tile.figure.as_ref().and_then(|f| f.value), tile.unit),
                    Cell::text(tile.computed_at.clone().unwrap_or_default()),
                    Cell::text(tile.note.clone().unwrap_or_default()),
                ]
            })
            .collect(),
    }
}

/// A kind or a state by its name in data.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Json::String(text)) => text,
        _ => String::new(),
    }
}

/// A tile as a table, with what has to be known about it.
fn sheet(page: &DashboardData, tile: &Data) -> Sheet {
    let name = name_of(tile);
    let state = match (tile.state, tile.freshness) {
        (Stands::Ready, Freshness::Current) => String::new(),
        (Stands::Ready, _) => "something happened since it was computed".to_owned(),
        (other, _) => word(other),
    };
    let (head, rows) = table(tile);
    Sheet {
        about: about(
            page,
            &[
                ("Tile", &name),
                ("Unit", tile.unit.unwrap_or_default()),
                ("Computed at", tile.computed_at.as_deref().unwrap_or_default()),
                ("State", &state),
                ("Note", tile.note.as_deref().unwrap_or_default()),
                ("About", &tile.description),
            ],
        ),
        name,
        head,
        rows,
    }
}

type Table = (Vec<String>, Vec<Vec<Cell>>);

fn table(tile: &Data) -> Table {
    match tile.kind {
        TileKind::Figure => figure(tile),
        TileKind::Table => rows(tile),
        TileKind::Scatter => points(tile),
        TileKind::Text => (
            vec!["Text".to_owned()],
            vec![vec![Cell::text(tile.text.clone().unwrap_or_default())]],
        ),
        _ => series(tile),
    }
}

fn heads(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn figure(tile: &Data) -> Table {
    let head = heads(&[
        "From",
        "To",
        "Value",
        "Numerator",
        "Denominator",
        "Low (95 %)",
        "High (95 %)",
        "Before",
        "Target",
        "Status",
    ]);
    let Some(f) = &tile.figure else {
        return (head, Vec::new());
    };
    let target = f.targets.first();
    let value = |value| Cell::number(value, tile.unit);
    let mut rows = vec![vec![
        Cell::Day(f.first_day.clone()),
        Cell::Day(f.last_day.clone()),
        value(f.value),
        Cell::number(f.numerator, None),
        Cell::number(f.denominator, None),
        value(f.interval.map(|it| it[0])),
        value(f.interval.map(|it| it[1])),
        value(f.before.as_ref().and_then(|it| it.value)),
        value(target.and_then(|it| it.target)),
        Cell::text(target.map(|it| word(it.status)).unwrap_or_default()),
    ]];
    rows.extend(f.trend.iter().map(|point| {
        let mut row = vec![Cell::Empty; head.len()];
        row[1] = Cell::Day(point.period.clone());
        row[2] = value(point.value);
        row[8] = value(point.target);
        row
    }));
    (head, rows)
}

fn rows(tile: &Data) -> Table {
    let head = tile.columns.iter().map(|column| column.label.clone()).collect();
    let rows = tile.rows.iter().map(|row| {
        let cells = tile.columns.iter().zip(&row.cells);
        cells
            .map(|(column, value)| json(value, column.unit.or(row.unit), &column.kind))
            .collect()
    });
    (head, rows.collect())
}

fn json(value: &Json, unit: Option<&'static str>, kind: &str) -> Cell {
    match value {
        Json::Null => Cell::Empty,
        Json::Bool(value) => Cell::Flag(*value),
        Json::Number(value) => Cell::number(value.as_f64(), unit),
        Json::String(text) if kind == "date" => Cell::Day(text.clone()),
        Json::String(text) => Cell::text(text.clone()),
        other => Cell::text(other.to_string()),
    }
}

fn points(tile: &Data) -> Table {
    let mut head = heads(&["Account id", "Account", "Segment"]);
    head.extend(tile.axes.iter().map(|axis| axis.label.clone()));
    let unit = |at: usize| tile.axes.get(at).and_then(|axis| axis.unit);
    let rows = tile.points.iter().map(|point| {
        let mut row = vec![
            Cell::text(point.account_id.clone()),
            Cell::text(point.name.clone()),
            Cell::text(point.segment.clone()),
            Cell::number(Some(point.x), unit(0)),
            Cell::number(Some(point.y), unit(1)),
        ];
        if tile.axes.len() > 2 {
            row.push(Cell::number(point.size, unit(2)));
        }
        row
    });
    (head, rows.collect())
}

/// A row for each place of the axis, and for each series its values and what they are made of.
fn series(tile: &Data) -> Table {
    let first = match (tile.kind, tile.over_time) {
        (TileKind::Cohort, _) => "Months",
        (_, true) => "Up to",
        _ => "Group",
    };
    let mut head = vec![first.to_owned()];
    for it in &tile.series {
        head.push(it.label.clone());
        if !it.numerators.is_empty() {
            head.push(format!("{}: numerator", it.label));
            head.push(format!("{}: denominator", it.label));
        }
        if it.targets.iter().any(Option::is_some) {
            head.push(format!("{}: target", it.label));
        }
    }
    let at = |values: &[Option<f64>], place: usize| values.get(place).copied().flatten();
    let rows = tile.axis.iter().enumerate().map(|(place, tick)| {
        let mut row = vec![if tile.over_time {
            Cell::Day(tick.key.clone())
        } else {
            Cell::text(tick.label.clone())
        }];
        for it in &tile.series {
            row.push(Cell::number(at(&it.values, place), tile.unit));
            if !it.numerators.is_empty() {
                row.push(Cell::number(at(&it.numerators, place), None));
                row.push(Cell::number(at(&it.denominators, place), None));
            }
            if it.targets.iter().any(Option::is_some) {
                row.push(Cell::number(at(&it.targets, place), tile.unit));
            }
        }
        row
    });
    (head, rows.collect())
}
