//! Dashboards: that everything they name exists, and that each tile has what its kind needs.

use std::collections::{BTreeMap, HashMap};

use super::{Checker, SqlProblem, names};
use crate::definitions::decode::{Note, list};
use crate::definitions::problem::Problem;
use crate::definitions::read::OWN;
use crate::definitions::types::*;
use crate::definitions::yaml::{Places, shorten};
use crate::definitions::{Definitions, is_dashboard_file};

/// The numbers that every account has.
const NUMBERS: &[&str] = &["mrr", "days_active"];
/// What every account has besides, for columns.
const FIXED: &[&str] = &[
    "account_id",
    "name",
    "segment",
    "owner",
    "active",
    "started_on",
    "currency",
];

/// Plans a tile's query.
type CheckTile<'c> = &'c dyn Fn(&str) -> Result<(), SqlProblem>;

/// Every problem of a program's dashboards.
pub(in crate::definitions) fn of_program(
    definitions: &Definitions,
    files: &BTreeMap<String, String>,
    places: &Places,
    sound: bool,
    check_tile: CheckTile<'_>,
) -> Vec<Problem> {
    let mut checker = Checker {
        definitions,
        places,
        problems: Vec::new(),
        sound,
    };
    let names: Vec<&str> = files
        .keys()
        .map(String::as_str)
        .filter(|name| is_dashboard_file(name))
        .collect();
    let mut seen: HashMap<&str, &str> = HashMap::new();
    // An empty file holds none, and then the pairs would not fit; its place is told by the reader's own problem.
    for (file, dashboard) in names.iter().zip(&definitions.dashboards) {
        if let Some(first) = seen.insert(&dashboard.id, file) {
            let note = Note::error(
                &dashboard.id,
                format!("'{}' is declared twice, first in {first}.", dashboard.id),
                "Give one of the two another id.",
            );
            checker.note(file, "id", note);
        }
        page(&mut checker, file, dashboard, check_tile);
    }
    checker.problems
}

/// Every problem of a dashboard that a person made.
pub(in crate::definitions) fn own(
    definitions: &Definitions,
    dashboard: &Dashboard,
    places: &Places,
    sound: bool,
    check_tile: CheckTile<'_>,
) -> Vec<Problem> {
    let mut checker = Checker {
        definitions,
        places,
        problems: Vec::new(),
        sound,
    };
    page(&mut checker, OWN, dashboard, check_tile);
    checker.problems
}

fn page(checker: &mut Checker<'_>, file: &str, dashboard: &Dashboard, check_tile: CheckTile<'_>) {
    if dashboard.tiles.len() > MOST_TILES {
        let count = dashboard.tiles.len().to_string();
        let note = Note::error(
            &count,
            format!("There are {count} tiles; a dashboard holds at most {MOST_TILES}."),
            "Split it into several dashboards.",
        );
        checker.note(file, "tiles", note);
        return;
    }
    checker.unique(file, "tiles", dashboard.tiles.iter().map(|tile| tile.id.as_str()));
    if let Some(segment) = &dashboard.segment {
        scope(checker, file, "segment", segment);
    }
    for (index, tile) in dashboard.tiles.iter().enumerate() {
        let at = At {
            file,
            path: format!("tiles[{index}]"),
        };
        tile_names(checker, &at, tile);
        if tile.waits_for.is_none() {
            tile_needs(checker, &at, tile);
        }
        if let (Some(sql), true) = (&tile.sql, checker.sound)
            && let Err(found) = check_tile(sql)
        {
            let (line, column) = found.at.unwrap_or((1, 1));
            let mut note = Note::error(
                found.name.unwrap_or_else(|| shorten(sql)),
                found.problem,
                "Correct the query of the tile.",
            );
            note.nearest = found.nearest;
            checker.note_inside(file, &at.of("sql"), line, column, note);
        }
    }
}

struct At<'f> {
    file: &'f str,
    path: String,
}

impl At<'_> {
    fn of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

fn scope(checker: &mut Checker<'_>, file: &str, path: &str, segment: &str) {
    if segment == "all" || checker.definitions.segment(segment).is_some() {
        return;
    }
    let segments = &checker.definitions.segments.segments;
    let note = Note::error(
        segment,
        format!("There is no segment '{segment}'."),
        "Write all, or the id of a segment.",
    )
    .near(segments.iter().map(|s| s.id.as_str()).chain(["all"]));
    checker.note(file, path, note);
}

/// A name that has to be among some.
fn known(checker: &mut Checker<'_>, at: &At<'_>, key: &str, name: &str, what: &str, among: &[&str]) {
    if among.contains(&name) {
        return;
    }
    let note = Note::error(
        name,
        format!("There is no {what} '{name}'."),
        "Declare it in the program, or correct the name.",
    )
    .near(among.iter().copied());
    checker.note(at.file, &at.of(key), note);
}

/// What a tile's KPIs are split by.
fn split(checker: &mut Checker<'_>, at: &At<'_>, name: &str, groups: &[&str]) {
    let staged = checker.definitions.program.lifecycle_stage.is_some();
    if name == "stage" && !staged && !groups.contains(&name) {
        let note = Note::error(
            name,
            "The program names no lifecycle stage.",
            "Name the attribute that holds it, as lifecycle_stage in program.yaml, or split by an attribute.",
        );
        checker.note(at.file, &at.of("by"), note);
        return;
    }
    let own = ["item"].into_iter().chain(staged.then_some("stage"));
    let by: Vec<&str> = groups.iter().copied().chain(own).collect();
    known(
        checker,
        at,
        "by",
        name,
        "segment, owner, stage, item or attribute",
        &by,
    );
}

fn tile_names(checker: &mut Checker<'_>, at: &At<'_>, tile: &Tile) {
    let d = checker.definitions;
    let kpis: Vec<&str> = d.kpis.iter().map(|kpi| kpi.id.as_str()).collect();
    for (index, kpi) in tile.kpis.iter().enumerate() {
        known(checker, at, &format!("kpis[{index}]"), kpi, "KPI", &kpis);
    }
    let metrics: Vec<&str> = d.metrics.iter().map(|metric| metric.id.as_str()).collect();
    let attributes: Vec<&str> = d.attributes.iter().map(|a| a.id.as_str()).collect();
    let numeric = d.attributes.iter().filter(|a| {
        matches!(
            a.kind,
            AttributeType::Integer | AttributeType::Number | AttributeType::Money
        )
    });
    let numbers: Vec<&str> = numeric
        .map(|a| a.id.as_str())
        .chain(metrics.iter().copied())
        .chain(NUMBERS.iter().copied())
        .collect();
    let groups: Vec<&str> = attributes.iter().copied().chain(["segment", "owner"]).collect();
    if let Some(metric) = &tile.metric {
        known(checker, at, "metric", metric, "number of an account", &numbers);
    }
    if let Some(name) = &tile.by {
        split(checker, at, name, &groups);
    }
    for (key, name) in [("x", &tile.x), ("y", &tile.y), ("size", &tile.size)] {
        let Some(name) = name else { continue };
        if tile.kind == TileKind::Heatmap {
            known(checker, at, key, name, "attribute", &groups);
        } else {
            known(checker, at, key, name, "number of an account", &numbers);
        }
    }
    let columns: Vec<&str> = attributes
        .iter()
        .chain(&metrics)
        .copied()
        .chain(NUMBERS.iter().copied())
        .chain(FIXED.iter().copied())
        .collect();
    for (index, column) in tile.columns.iter().enumerate() {
        known(
            checker,
            at,
            &format!("columns[{index}]"),
            column,
            "column",
            &columns,
        );
    }
    if let Some(sort) = &tile.sort {
        known(
            checker,
            at,
            "sort",
            sort.trim_start_matches('-'),
            "column",
            &columns,
        );
    }
    if let Some(segment) = &tile.scope {
        scope(checker, at.file, &at.of("scope"), segment);
    }
    if let Some(filter) = &tile.filter {
        names::filter_expression(checker, at.file, &at.of("filter"), filter);
    }
    for (index, step) in tile.steps.iter().enumerate() {
        let path = at.of(&format!("steps[{index}].filter"));
        if !step.filter.is_empty() {
            names::filter_expression(checker, at.file, &path, &step.filter);
        }
    }
}

/// What each kind of tile can be made of, in words.
fn wants(kind: TileKind) -> (&'static [&'static str], &'static str) {
    match kind {
        TileKind::Figure => (
            &["kpis", "metric", "sql"],
            "Give it one KPI, a metric, or a query.",
        ),
        TileKind::Line => (&["kpis", "sql"], "Give it up to six KPIs, or a query."),
        TileKind::Bar => (&["kpis", "metric", "sql"], "Give it KPIs, a metric, or a query."),
        TileKind::Stacked => (&["kpis", "sql"], "Give it a KPI and 'by', or a query."),
        TileKind::Heatmap => (
            &["kpis", "x", "sql"],
            "Give it a KPI and 'by', 'x' and 'y', or a query.",
        ),
        TileKind::Cohort => (&[], "A cohort is made of all accounts."),
        TileKind::Funnel => (&["steps"], "Give it two to twelve steps."),
        TileKind::Scatter => (&["x"], "Give it 'x' and 'y'."),
        TileKind::Table => (
            &["kpis", "columns", "sql"],
            "Give it KPIs, columns of accounts, or a query.",
        ),
        TileKind::Text => (&["text"], "Give it a text."),
    }
}

fn tile_needs(checker: &mut Checker<'_>, at: &At<'_>, tile: &Tile) {
    let given = [
        ("kpis", !tile.kpis.is_empty()),
        ("metric", tile.metric.is_some() && tile.kind != TileKind::Heatmap),
        ("sql", tile.sql.is_some()),
        ("text", tile.text.is_some()),
        ("steps", !tile.steps.is_empty()),
        ("x", tile.x.is_some()),
        ("columns", !tile.columns.is_empty()),
    ];
    let given: Vec<&str> = given
        .iter()
        .filter(|(_, there)| *there)
        .map(|(key, _)| *key)
        .collect();
    let (allowed, remedy) = wants(tile.kind);
    if let Some(other) = given.iter().find(|key| !allowed.contains(key)) {
        let note = Note::error(
            *other,
            format!("A tile of this kind is not made of '{other}'."),
            remedy,
        );
        return checker.note(at.file, &at.of(other), note);
    }
    if given.len() > 1 {
        let note = Note::error(
            given[1],
            format!("The tile is made of {} at once.", list(&given)),
            "Keep one of them.",
        );
        return checker.note(at.file, &at.of(given[1]), note);
    }
    let mut fault = |key: &str, problem: &str, remedy: &str| {
        checker.note(at.file, &at.of(key), Note::error(key, problem, remedy));
    };
    if given.is_empty() && !allowed.is_empty() {
        return fault("kind", "The tile shows nothing.", remedy);
    }
    let (kpis, split) = (tile.kpis.len(), tile.by.is_some());
    match tile.kind {
        TileKind::Figure if kpis > 1 => fault("kpis", "A figure shows one KPI.", "Make a tile for each."),
        TileKind::Line | TileKind::Bar | TileKind::Stacked | TileKind::Heatmap if kpis > 1 && split => fault(
            "by",
            "Several KPIs cannot be split at once.",
            "Keep one KPI, or leave 'by' out.",
        ),
        TileKind::Line if kpis > 6 => fault("kpis", "More than six lines cannot be told apart.", remedy),
        TileKind::Stacked if kpis == 1 && !split => {
            fault(
                "by",
                "One KPI alone cannot be stacked.",
                "Say 'by', e.g. by: segment.",
            );
        }
        TileKind::Heatmap if kpis == 1 && !split => {
            fault(
                "by",
                "The rows of the grid are missing.",
                "Say 'by', e.g. by: segment.",
            );
        }
        TileKind::Heatmap | TileKind::Scatter if tile.x.is_some() && tile.y.is_none() => {
            fault("y", "'y' is missing.", remedy);
        }
        TileKind::Funnel if !(2..=12).contains(&tile.steps.len()) => {
            fault("steps", "A funnel has two to twelve steps.", remedy);
        }
        _ => {}
    }
    if tile.by.as_deref() == Some("item") {
        let kpi = tile.kpis.first().and_then(|id| checker.definitions.kpi(id));
        if kpi.is_some_and(|kpi| kpi.item_label.is_none()) {
            let note = Note::error(
                "item",
                "The KPI has no parts of its own.",
                "Split it by segment, owner or an attribute, or give the KPI an item_label.",
            );
            checker.note(at.file, &at.of("by"), note);
        }
    }
}
