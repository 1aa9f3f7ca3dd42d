//! Two changes of one dashboard brought together: field by field and tile by tile, where lines of text would meet without need.

use serde_json::{Map, Value as Json};

use crate::definitions::edit::dashboard_text;
use crate::definitions::lines;
use crate::definitions::{Dashboard, Definitions, Tile};

/// Both changes together as the text of a file; `None` = they change the same thing differently.
pub fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
    // Lines first: that keeps what people wrote around the fields.
    let text = lines::merge(base, ours, theirs).filter(|text| Definitions::read_dashboard(text).is_some());
    text.or_else(|| {
        let read = Definitions::read_dashboard;
        by_field(&read(base)?, &read(ours)?, &read(theirs)?).map(|both| dashboard_text(&both))
    })
}

fn by_field(base: &Dashboard, ours: &Dashboard, theirs: &Dashboard) -> Option<Dashboard> {
    Some(Dashboard {
        id: theirs.id.clone(),
        title: one(&base.title, &ours.title, &theirs.title)?,
        group: one(&base.group, &ours.group, &theirs.group)?,
        description: one(&base.description, &ours.description, &theirs.description)?,
        source: one(&base.source, &ours.source, &theirs.source)?,
        segment: one(&base.segment, &ours.segment, &theirs.segment)?,
        tiles: tiles(&base.tiles, &ours.tiles, &theirs.tiles)?,
    })
}

/// The value that changed; `None` = both changed it, to different values.
fn one<T: PartialEq + Clone>(base: &T, ours: &T, theirs: &T) -> Option<T> {
    match (ours == base, theirs == base) {
        (true, _) => Some(theirs.clone()),
        (_, true) => Some(ours.clone()),
        _ if ours == theirs => Some(ours.clone()),
        _ => None,
    }
}

fn find<'t>(tiles: &'t [Tile], id: &str) -> Option<&'t Tile> {
    tiles.iter().find(|tile| tile.id == id)
}

/// Ids in their order, of those that both lists have.
fn order<'t>(tiles: &'t [Tile], other: &[Tile]) -> Vec<&'t str> {
    let ids = tiles.iter().map(|tile| tile.id.as_str());
    ids.filter(|id| find(other, id).is_some()).collect()
}

fn tiles(base: &[Tile], ours: &[Tile], theirs: &[Tile]) -> Option<Vec<Tile>> {
    // The order of who moved something; both cannot have.
    let (moved, kept) = if order(ours, base) == order(base, ours) {
        (theirs, ours)
    } else if order(theirs, base) == order(base, theirs) {
        (ours, theirs)
    } else {
        return None;
    };
    let mut all: Vec<Tile> = Vec::new();
    let ids = moved.iter().chain(kept).map(|tile| tile.id.as_str());
    for id in ids {
        if find(&all, id).is_some() {
            continue;
        }
        match (find(base, id), find(ours, id), find(theirs, id)) {
            (_, Some(a), Some(b)) if a == b => all.push(a.clone()),
            (Some(was), Some(a), Some(b)) => all.push(fields(was, a, b)?),
            (None, Some(new), None) | (None, None, Some(new)) => all.push(new.clone()),
            // One took the tile away, the other left it as it was; else they disagree.
            (Some(was), Some(left), None) | (Some(was), None, Some(left)) if was == left => {}
            _ => return None,
        }
    }
    Some(all)
}

fn fields(base: &Tile, ours: &Tile, theirs: &Tile) -> Option<Tile> {
    let map = |tile: &Tile| serde_json::to_value(tile).ok()?.as_object().cloned();
    let (base, ours, theirs) = (map(base)?, map(ours)?, map(theirs)?);
    let mut both = Map::new();
    for key in ours.keys().chain(theirs.keys()) {
        if let Some(value) = one(&base.get(key), &ours.get(key), &theirs.get(key))? {
            both.insert(key.clone(), value.clone());
        }
    }
    serde_json::from_value(Json::Object(both)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "id: own-x\ntitle: A\ntiles:\n  - {id: a, kind: text, text: one}\n  - {id: b, kind: text, text: two}\n";

    #[test]
    fn changes_of_different_things_come_together() {
        let ours = BASE.replace("title: A\n", "title: A\ndescription: why\n");
        let theirs = BASE.replace("title: A", "title: B");
        let both = merged(BASE, &ours, &theirs).expect("both");
        assert!(
            both.contains("title: B") && both.contains("description: why"),
            "{both}"
        );
        // Neighbouring tiles, one of them moved, and a field each of the same tile.
        let ours = BASE.replace("text: one}", "text: one, width: 4}");
        let theirs = "id: own-x\ntitle: A\ntiles:\n  - {id: b, kind: text, text: two}\n  - {id: a, kind: text, text: three}\n";
        let both = merged(BASE, &ours, theirs).expect("both");
        assert!(
            both.contains("{id: a, kind: text, width: 4, text: three}"),
            "{both}"
        );
        assert!(both.find("id: b") < both.find("id: a"));
    }

    #[test]
    fn changes_of_the_same_thing_are_left_to_people() {
        let (ours, theirs) = (
            BASE.replace("title: A", "title: B"),
            BASE.replace("title: A", "title: C"),
        );
        assert_eq!(merged(BASE, &ours, &theirs), None);
        let gone = BASE.replace("  - {id: a, kind: text, text: one}\n", "");
        let changed = BASE.replace("one", "other");
        assert_eq!(merged(BASE, &gone, &changed), None);
    }
}
