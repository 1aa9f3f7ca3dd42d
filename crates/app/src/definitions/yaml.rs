//! A YAML document as a tree in which every node knows its line and column.
//!
//! Decoding straight into Rust types would stop at the first mistake and would lose where a value stood; a person who
//! edits a program wants every mistake at once, each with its place. So the text becomes this tree first.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

/// A place in a file: line and column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

/// A node of the document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Position,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub at: Position,
    pub name: String,
}

impl Value {
    /// What the value is, as a person would say it.
    pub(super) fn noun(&self) -> String {
        match self {
            Self::Null => "nothing".into(),
            Self::Bool(value) => format!("the boolean {value}"),
            Self::Number(value) => format!("the number {value}"),
            Self::Text(value) => format!("the text '{}'", shorten(value)),
            Self::List(_) => "a list".into(),
            Self::Map(_) => "a map".into(),
        }
    }
}

/// The first words of a long text, on one line.
pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 60 {
        line
    } else {
        line.chars().take(57).collect::<String>() + "…"
    }
}

/// Why a text is not YAML at all, with the place.
pub(super) struct Unreadable {
    pub at: Position,
    pub problem: String,
}

/// The line and column of the value at a path such as `also[0].fields.attributes.zip`, or of the nearest thing around it that is there.
pub(super) fn position_of(text: &str, path: &str) -> Option<(usize, usize)> {
    let mut node = &read(text).ok()?;
    let mut at = node.at;
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.trim_start_matches('.');
        match &node.value {
            // A name may hold dots itself: the longest that fits is meant.
            Value::Map(entries) => {
                let fits = entries.iter().filter(|(key, _)| {
                    rest.strip_prefix(key.name.as_str())
                        .is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
                });
                let Some((key, value)) = fits.max_by_key(|(key, _)| key.name.len()) else {
                    break;
                };
                (at, node, rest) = (key.at, value, &rest[key.name.len()..]);
            }
            Value::List(items) => {
                let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let Some((item, after)) =
                    inner.and_then(|(place, after)| Some((items.get(place.parse::<usize>().ok()?)?, after)))
                else {
                    break;
                };
                (at, node, rest) = (item.at, item, after);
            }
            _ => break,
        }
    }
    Some((at.line, at.column))
}

/// Reads one YAML document. An empty text is a document that holds nothing.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(Node {
            at: Position::START,
            value: Value::Null,
        });
    }
    // Duplicate keys pass through here so that they are reported like every other problem, all at once.
    let options = Options {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        strict_booleans: true,
        with_snippet: false,
        ..Options::default()
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let at = error.location().map(place).unwrap_or(Position::START);
        let full = error.to_string();
        let problem = full.split(" at line ").next().unwrap_or(&full).trim().to_owned();
        Unreadable { at, problem }
    })
}

fn place(location: serde_saphyr::Location) -> Position {
    let whole = |n: u64| usize::try_from(n).unwrap_or(1).max(1);
    Position {
        line: whole(location.line()),
        column: whole(location.column()),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            at: place(spanned.referenced),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }
            fn visit_string<E>(self, value: String) -> Result<Value, E> {
                Ok(Value::Text(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    let at = place(key.referenced);
                    entries.push((Key { at, name: key.value }, map.next_value()?));
                }
                Ok(Value::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Where every path of a set of files stands, so that a check which runs long after reading can still point.
/// A path is written as a person would: `kpis[3].window`.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    values: HashMap<(String, String), Position>,
    texts: HashMap<String, String>,
}

impl Places {
    /// Remembers the place of every node of a file.
    pub(super) fn remember(&mut self, file: &str, text: &str, root: &Node) {
        self.texts.insert(file.to_owned(), text.to_owned());
        self.walk(file, String::new(), root);
    }

    /// The place of a line and column inside the text that a path holds, as the text stands in the file.
    pub(super) fn inside(&self, file: &str, path: &str, line: usize, column: usize) -> Position {
        let at = self.find(file, path);
        let Some(text) = self.texts.get(file) else {
            return at;
        };
        if line > 1 {
            // Only a literal block keeps its lines; they are indented as its first one, where the text starts.
            return Position {
                line: at.line + line - 1,
                column: at.column + column - 1,
            };
        }
        let start: Vec<char> = text
            .lines()
            .nth(at.line - 1)
            .unwrap_or_default()
            .chars()
            .skip(at.column - 1)
            .collect();
        let quote = usize::from(matches!(start.first(), Some('"' | '\'')));
        let (mut place, mut left) = (
            Position {
                line: at.line,
                column: at.column,
            },
            column - 1 + quote,
        );
        // Other texts may run over several lines of the file, each break standing for one space.
        for more in text.lines().skip(at.line - 1) {
            let trimmed = if place.line == at.line {
                more.chars().skip(at.column - 1).collect()
            } else {
                more.trim().to_owned()
            };
            let width = trimmed.trim_end().chars().count();
            if left < width {
                break;
            }
            left -= (width + 1).min(left);
            place.line += 1;
            place.column = 0;
        }
        if place.column == 0 {
            let indent = text
                .lines()
                .nth(place.line - 1)
                .map_or(0, |line| line.len() - line.trim_start().len());
            place.column = indent + 1;
        }
        Position {
            line: place.line,
            column: place.column + left,
        }
    }

    fn walk(&mut self, file: &str, path: String, node: &Node) {
        match &node.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(file, format!("{path}[{index}]"), item);
                }
            }
            Value::Map(entries) => {
                for (key, item) in entries {
                    self.walk(file, join(&path, &key.name), item);
                }
            }
            _ => {}
        }
        self.values.insert((file.to_owned(), path), node.at);
    }

    /// The place of a path, or of the nearest part of it that the file has.
    pub(super) fn find(&self, file: &str, path: &str) -> Position {
        let mut rest = path;
        loop {
            if let Some(at) = self.values.get(&(file.to_owned(), rest.to_owned())) {
                return *at;
            }
            match rest.rfind(['.', '[']) {
                Some(cut) => rest = &rest[..cut],
                None if rest.is_empty() => return Position::START,
                None => rest = "",
            }
        }
    }
}

/// `a` and `b` as one path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
