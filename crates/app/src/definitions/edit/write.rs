//! Values as YAML text: as a person would write them where that reads back as the same value, in double quotes otherwise.

use serde_json::Value as Json;

use crate::definitions::yaml::{Value, read};

/// A value on one line. `flow` = it stands within braces or brackets.
pub fn inline(value: &Json, flow: bool, quoted: bool) -> String {
    match value {
        Json::Null => "null".into(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => scalar(text, flow, quoted),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, true, quoted)).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) => {
            let fields: Vec<String> = map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{}: {}", scalar(key, true, false), inline(value, true, quoted)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn scalar(text: &str, flow: bool, quoted: bool) -> String {
    if !quoted && plain(text, flow) {
        return text.to_owned();
    }
    // A JSON string is a double-quoted YAML scalar.
    Json::from(text).to_string()
}

/// Whether a text may stand without quotes: it reads back as itself.
fn plain(text: &str, flow: bool) -> bool {
    let odd =
        |c: char| c.is_control() || (flow && matches!(c, ',' | '[' | ']' | '{' | '}' | ':' | '"' | '\''));
    if text.is_empty() || text.trim() != text || text.contains(odd) || text.contains(" #") {
        return false;
    }
    let document = if flow {
        format!("{{k: {text}}}\n")
    } else {
        format!("k: {text}\n")
    };
    match read(&document).map(|node| node.value) {
        Ok(Value::Map(entries)) => matches!(
            entries.as_slice(),
            [(key, node)] if key.name == "k" && matches!(&node.value, Value::Text(read) if read == text)
        ),
        _ => false,
    }
}

/// A value after `key:` in a block: several lines of text keep their lines.
pub fn block(value: &Json, indent: usize, quoted: bool) -> String {
    let Some(text) = value.as_str().filter(|text| !quoted && literal(text)) else {
        return nested(value, indent, quoted);
    };
    let mark = if text.ends_with('\n') { "|" } else { "|-" };
    let mut out = format!(" {mark}");
    for line in text.lines() {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent + 2));
            out.push_str(line);
        }
    }
    out
}

/// The longest value that stands on one line when it could stand on several.
const WIDEST: usize = 150;

/// A value after `key:`: on one line where it fits, else a list or map with an entry on each line.
fn nested(value: &Json, indent: usize, quoted: bool) -> String {
    let line = inline(value, false, quoted);
    let short = line.chars().count() <= WIDEST;
    let pad = " ".repeat(indent + 2);
    match value {
        Json::Array(items) if !short && items.iter().all(Json::is_object) => items
            .iter()
            .map(|item| {
                let flow = inline(item, true, quoted);
                if flow.chars().count() <= WIDEST {
                    return format!("\n{pad}- {flow}");
                }
                let lines = fields(item, indent + 4, quoted);
                format!("\n{pad}- {}", lines.trim_start())
            })
            .collect(),
        Json::Object(_) if !short => fields(value, indent + 2, quoted),
        _ => format!(" {line}"),
    }
}

/// The fields of a map, each on lines of its own; what names it comes first.
fn fields(map: &Json, indent: usize, quoted: bool) -> String {
    let mut fields: Vec<(&String, &Json)> = map.as_object().into_iter().flatten().collect();
    let rank = |key: &str| match key {
        "id" => 0,
        "label" => 1,
        // Lists of entries stand after what is said of the whole.
        "groups" | "measures" | "models" => 3,
        _ => 2,
    };
    fields.sort_by_key(|(name, _)| rank(name));
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            format!(
                "\n{}{}:{}",
                " ".repeat(indent),
                key(name),
                block(value, indent, quoted)
            )
        })
        .collect()
}

/// Whether a text can stand as a literal block.
fn literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !body.is_empty()
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && !body.contains(|c: char| c.is_control() && c != '\n' && c != '\t')
}

/// A key.
pub fn key(name: &str) -> String {
    let easy = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    scalar(name, false, !easy)
}
