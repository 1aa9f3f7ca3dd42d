//! Dashboards: one file each, or the text of one that a person made.

use super::{id, keys};
use crate::definitions::decode::{Fields, Note, Notes};
use crate::definitions::read::words::UNITS;
use crate::definitions::types::*;
use crate::definitions::yaml::{Node, Value};

const KINDS: &[(&str, TileKind)] = &[
    ("figure", TileKind::Figure),
    ("line", TileKind::Line),
    ("bar", TileKind::Bar),
    ("stacked", TileKind::Stacked),
    ("heatmap", TileKind::Heatmap),
    ("cohort", TileKind::Cohort),
    ("funnel", TileKind::Funnel),
    ("scatter", TileKind::Scatter),
    ("table", TileKind::Table),
    ("text", TileKind::Text),
];
const MEASURES: &[(&str, TileMeasure)] = &[
    ("value", TileMeasure::Value),
    ("numerator", TileMeasure::Numerator),
    ("denominator", TileMeasure::Denominator),
];
const GRAINS: &[(&str, Grain)] = &[
    ("day", Grain::Day),
    ("week", Grain::Week),
    ("month", Grain::Month),
    ("quarter", Grain::Quarter),
];
const COHORTS: &[(&str, CohortOf)] = &[("accounts", CohortOf::Accounts), ("mrr", CohortOf::Mrr)];

pub(super) fn dashboard(notes: &mut Notes, file: &str, node: &Node) -> Dashboard {
    let fields = Fields::open(notes, file, String::new(), node, keys::DASHBOARD);
    if !fields.has("tiles") {
        fields.missing(notes, "tiles", "List at least one tile.");
    }
    let mut tiles = Vec::new();
    for (index, node) in fields.list(notes, "tiles").iter().enumerate() {
        let entry = Fields::open(notes, file, format!("tiles[{index}]"), node, keys::TILE);
        tiles.push(tile(notes, &entry));
    }
    let id = id(notes, &fields, "id");
    Dashboard {
        title: fields
            .need_text(notes, "title", "Write the name that people read.")
            .unwrap_or_else(|| id.clone()),
        group: fields.text(notes, "group").unwrap_or_default(),
        description: fields.text(notes, "description").unwrap_or_default(),
        source: fields.text(notes, "source").unwrap_or_default(),
        segment: fields.text(notes, "segment"),
        tiles,
        id,
    }
}

fn tile(notes: &mut Notes, fields: &Fields<'_>) -> Tile {
    Tile {
        id: id(notes, fields, "id"),
        title: fields.text(notes, "title").unwrap_or_default(),
        kind: fields.need_choice(notes, "kind", KINDS).unwrap_or_default(),
        description: fields.text(notes, "description").unwrap_or_default(),
        width: whole(notes, fields, "width", 12),
        height: whole(notes, fields, "height", 12),
        kpis: fields.texts(notes, "kpis"),
        metric: fields.text(notes, "metric"),
        sql: fields.text(notes, "sql"),
        text: fields.text(notes, "text"),
        by: fields.text(notes, "by"),
        measure: fields.choice(notes, "measure", MEASURES).unwrap_or_default(),
        scope: fields.text(notes, "scope"),
        grain: fields.choice(notes, "grain", GRAINS).unwrap_or_default(),
        points: whole(notes, fields, "points", 120),
        x: fields.text(notes, "x"),
        y: fields.text(notes, "y"),
        size: fields.text(notes, "size"),
        filter: fields.expression(notes, "filter"),
        columns: fields.texts(notes, "columns"),
        sort: fields.text(notes, "sort"),
        limit: whole(notes, fields, "limit", 500),
        steps: steps(notes, fields),
        of: fields.choice(notes, "of", COHORTS).unwrap_or_default(),
        unit: fields.choice(notes, "unit", UNITS),
        waits_for: fields.text(notes, "waits_for"),
    }
}

fn steps(notes: &mut Notes, tile: &Fields<'_>) -> Vec<Step> {
    if !tile.has("steps") {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for (index, node) in tile.list(notes, "steps").iter().enumerate() {
        let path = format!("{}[{index}]", tile.path_of("steps"));
        let fields = Fields::open(notes, tile.file, path, node, keys::STEP);
        let filter = fields.expression(notes, "filter");
        if filter.is_none() && !fields.has("filter") {
            fields.missing(notes, "filter", "Write a condition, e.g. onboarding_steps > 0.");
        }
        steps.push(Step {
            label: fields
                .need_text(notes, "label", "Write the name that people read.")
                .unwrap_or_default(),
            filter: filter.unwrap_or_default(),
        });
    }
    steps
}

/// A whole number from 1 to `most`, where it is there.
fn whole(notes: &mut Notes, fields: &Fields<'_>, key: &str, most: u32) -> Option<u32> {
    let value = fields.number(notes, key)?;
    let found = (1..=most).find(|n| f64::from(*n) == value);
    if found.is_none() {
        let note = Note::error(
            value.to_string(),
            format!("'{key}' is {value}, not a whole number from 1 to {most}."),
            format!("Write a whole number from 1 to {most}."),
        );
        fields.note(notes, key, note);
    }
    found
}

/// Whether there is anything in the file.
pub(super) fn is_there(node: &Node) -> bool {
    !matches!(node.value, Value::Null)
}
