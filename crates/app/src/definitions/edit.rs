//! Changing a document by its fields while the rest of its text stays as it is: comments, order, quotes and blank lines.
//!
//! A form changes one entry. Writing the whole document anew would lose what people wrote around it, so the change is made in the text, at
//! the span of the field. Whether it did what was meant is not assumed: the new text is read again and compared with the old tree plus the
//! change, and an edit that would give anything else is refused.

mod page;
mod text;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::read::keys;
use super::yaml::{Node, Value, read};
pub use page::dashboard_text;
use text::Text;

/// One change of a document, in the words of a form.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The list or map at the top of the document, such as `segments` or `names`; left out = the document's own fields.
    pub list: Option<String>,
    /// The entry of the list, by its id. An id that is not there adds an entry.
    pub id: Option<String>,
    /// Fields to set; null takes a field away.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub set: Map<String, Json>,
    /// Takes the entry away.
    #[serde(default)]
    pub remove: bool,
    /// The entry's place in the list, from 0: where a new one goes, or where a known one moves to.
    pub position: Option<usize>,
}

/// Why a text cannot be edited by its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uneditable {
    /// What is in the way.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Uneditable {
    fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    fn by_hand(problem: impl Into<String>) -> Self {
        Self::new(problem, "Edit the document as YAML.")
    }
}

/// The document's plain content, for forms; `Err` = the text is not YAML.
///
/// # Errors
/// Line, column and what is wrong.
pub fn content(text: &str) -> Result<Json, (usize, usize, String)> {
    read(text)
        .map(|node| json(&node))
        .map_err(|error| (error.at.line, error.at.column, error.problem))
}

/// Makes the changes, one after the other. What they do not name stays byte for byte.
///
/// # Errors
/// When the text is not YAML, or a change cannot be made without touching anything else.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, Uneditable> {
    let mut text = text.to_owned();
    for one in edits {
        text = step(&text, one)?;
    }
    Ok(text)
}

fn step(text: &str, edit: &Edit) -> Result<String, Uneditable> {
    let tree = tree_of(text)?;
    let wanted = expected(&json(&tree), edit)?;
    // A value that cannot stand as it is written most readably is written in double quotes instead.
    for quoted in [false, true] {
        let changed = Text::new(text, quoted).apply(&tree, edit)?;
        if read(&changed).is_ok_and(|after| same(&json(&after), &wanted)) {
            return Ok(changed);
        }
    }
    Err(Uneditable::by_hand(
        "The document is written in a way in which this field cannot be changed by itself.",
    ))
}

fn tree_of(text: &str) -> Result<Node, Uneditable> {
    read(text).map_err(|error| {
        Uneditable::new(
            format!(
                "The document is not YAML in line {}: {}.",
                error.at.line, error.problem
            ),
            "Mend it as YAML first.",
        )
    })
}

/// The keys of an entry in the order in which they are written.
fn order(list: Option<&str>) -> &'static [&'static str] {
    match list {
        None => &[
            "program",
            "title",
            "time_zone",
            "currency",
            "started_on",
            "names",
            "kinds",
            "unclassified",
            "segments",
        ],
        Some("attributes") => keys::ATTRIBUTE,
        Some("segments") => keys::SEGMENT,
        Some("metrics") => keys::METRIC,
        Some("outcomes") => keys::OUTCOME,
        Some("scores") => keys::SCORE,
        Some("kpis") => keys::KPI,
        Some("targets") => keys::TARGET,
        Some(_) => &["id"],
    }
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(value) => number(*value),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.name.clone(), json(value)))
            .collect(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers within 2^53 are cast"
)]
fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Json::from(value as i64)
    } else {
        serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number)
    }
}

/// Whether two contents are one; whole numbers are equal however they are held, and an absent field equals an empty one.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            let absent = Json::Null;
            a.keys()
                .chain(b.keys())
                .all(|key| same(a.get(key).unwrap_or(&absent), b.get(key).unwrap_or(&absent)))
        }
        _ => a == b,
    }
}

/// The content that the edited document has to have.
fn expected(before: &Json, edit: &Edit) -> Result<Json, Uneditable> {
    let mut root = match before {
        Json::Null => Map::new(),
        Json::Object(map) => map.clone(),
        _ => return Err(Uneditable::by_hand("The document is not a map.")),
    };
    let Some(list) = &edit.list else {
        set(&mut root, &edit.set);
        return Ok(root.into());
    };
    let held = root.entry(list.clone()).or_insert(Json::Null);
    let Some(id) = &edit.id else {
        if held.is_null() {
            *held = Json::Object(Map::new());
        }
        let map = held
            .as_object_mut()
            .ok_or_else(|| Uneditable::by_hand(format!("'{list}' is not a map.")))?;
        set(map, &edit.set);
        return Ok(root.into());
    };
    if held.is_null() {
        *held = Json::Array(Vec::new());
    }
    let entries = held
        .as_array_mut()
        .ok_or_else(|| Uneditable::by_hand(format!("'{list}' is not a list.")))?;
    let known = entries.iter().position(|entry| entry["id"] == id.as_str());
    match known {
        Some(at) if edit.remove => {
            entries.remove(at);
        }
        Some(at) => {
            if let Some(entry) = entries.get_mut(at).and_then(Json::as_object_mut) {
                set(entry, &edit.set);
            }
            if let Some(to) = edit.position {
                let entry = entries.remove(at);
                entries.insert(to.min(entries.len()), entry);
            }
        }
        None if edit.remove => {
            return Err(Uneditable::new(
                format!("There is no '{id}' in {list}."),
                "Load the document again.",
            ));
        }
        None => {
            let mut entry = Map::new();
            entry.insert("id".into(), id.as_str().into());
            set(&mut entry, &edit.set);
            let to = edit.position.unwrap_or(entries.len()).min(entries.len());
            entries.insert(to, entry.into());
        }
    }
    Ok(root.into())
}

fn set(map: &mut Map<String, Json>, fields: &Map<String, Json>) {
    for (key, value) in fields {
        if value.is_null() {
            map.remove(key);
        } else {
            map.insert(key.clone(), value.clone());
        }
    }
}
