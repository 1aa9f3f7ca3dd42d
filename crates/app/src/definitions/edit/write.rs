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
        return format!(" {}", inline(value, false, quoted));
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
