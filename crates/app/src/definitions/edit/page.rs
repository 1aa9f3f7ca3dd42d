//! A dashboard as the text of a file: what a person would write, and what reads back as the same dashboard.

use serde_json::{Map, Value as Json};

use super::write::{block, inline};
use crate::definitions::read::keys;
use crate::definitions::types::Dashboard;

/// The longest line on which a tile stands.
const WIDEST: usize = 160;

/// What stands in a tile although nobody said it.
const USUAL: [(&str, &str); 3] = [("measure", "value"), ("grain", "month"), ("of", "accounts")];

/// The text of a dashboard's file, in the order and the manner of those that are shipped.
#[must_use]
pub fn dashboard_text(dashboard: &Dashboard) -> String {
    let plain = written(dashboard, false);
    // A value that would read back as something else is written in double quotes instead.
    match crate::definitions::Definitions::read_dashboard(&plain) {
        Some(read) if read == *dashboard => plain,
        _ => written(dashboard, true),
    }
}

fn written(dashboard: &Dashboard, quoted: bool) -> String {
    let tree = serde_json::to_value(dashboard).unwrap_or_default();
    let mut out = String::new();
    for key in keys::DASHBOARD.iter().filter(|key| **key != "tiles") {
        if let Some(value) = tree.get(*key) {
            out.push_str(&format!("{key}:{}\n", block(value, 0, quoted)));
        }
    }
    let tiles = tree.get("tiles").and_then(Json::as_array);
    match tiles.filter(|tiles| !tiles.is_empty()) {
        None => out.push_str("tiles: []\n"),
        Some(tiles) => {
            out.push_str("tiles:\n");
            for tile in tiles.iter().filter_map(Json::as_object) {
                out.push_str(&entry(tile, quoted));
            }
        }
    }
    out
}

/// One tile: on one line where it fits, else a field on each.
fn entry(tile: &Map<String, Json>, quoted: bool) -> String {
    let mut fields = Map::new();
    for key in keys::TILE {
        let usual = USUAL
            .iter()
            .any(|(name, value)| name == key && tile.get(*key).is_some_and(|held| held == value));
        if let (Some(value), false) = (tile.get(*key), usual) {
            fields.insert((*key).to_owned(), value.clone());
        }
    }
    let lines = fields
        .values()
        .any(|value| value.as_str().is_some_and(|text| text.contains('\n')));
    let short = inline(&Json::Object(fields.clone()), true, quoted);
    if !lines && short.chars().count() <= WIDEST {
        return format!("  - {short}\n");
    }
    let mut out = String::new();
    for (at, (key, value)) in fields.iter().enumerate() {
        let lead = if at == 0 { "  - " } else { "    " };
        out.push_str(&format!("{lead}{key}:{}\n", block(value, 4, quoted)));
    }
    out
}
