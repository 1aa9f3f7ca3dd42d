//! The mapping file: which column, constant or formula each field comes from.

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use super::fields::{Kind, Others};
use super::read::{Hints, nearest};
use super::value::Spelling;

/// A mapping file, checked as far as that goes without the file that it maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// What is said about the file.
    pub hints: Hints,
    /// How the columns' texts are to be taken in formulas, where it is not to be found out.
    pub types: Vec<(String, ColumnType)>,
    /// The decimal mark of the file's numbers.
    pub decimal: Option<char>,
    /// Files whose columns stand beside the file's own, in order.
    pub joins: Vec<Join>,
    /// When what the rows say became known, where they bring no `received_at`.
    pub known: Known,
    /// What each row becomes: the entry of the file's own kind, then those under `also`.
    pub entries: Vec<Entry>,
}

/// When what a row says counts as known (`received_at`), if the row brings no such time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// From the start of the import on: nothing is said about what was known before.
    #[default]
    Imported,
    /// Each thing from its own date on, as in a system where people work on it on the day: but not later than the start of the import.
    AsDated,
}

impl Known {
    const ALL: [(&'static str, Self); 2] = [("imported", Self::Imported), ("as_dated", Self::AsDated)];
}

/// A file beside the imported one whose rows are put beside each row that has the same keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The file.
    pub file: String,
    /// Columns of the imported file (or of earlier joins) with those of the other file that must be equal.
    pub on: Vec<(String, String)>,
}

/// How a column's text is taken in formulas and in attributes without a declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// As it stands.
    Text,
    /// As a number.
    Number,
}

/// What a row becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The kind; `None` = the kind that the import was started with.
    pub kind: Option<Kind>,
    /// Fields with where they come from; empty and not `mapped` = found by name.
    pub fields: Vec<(String, FieldMap)>,
    /// Whether `fields` was given.
    pub mapped: bool,
    /// Rows for which this holds are left out.
    pub skip_when: Option<String>,
    /// What becomes of columns that no field takes.
    pub others: Option<Others>,
}

/// Where a field comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldMap {
    /// The source of its text.
    pub from: From,
    /// Texts that stand for others; what is not listed stays as it is.
    pub values: Vec<(String, String)>,
    /// The text of a missing cell, and, where `values` is given, of a text that is not listed.
    pub default: Option<String>,
    /// How it is spelt.
    pub spelling: Spelling,
    /// Whether the file may lack the column.
    pub optional: bool,
}

/// The source of a field's text.
#[derive(Clone, Debug, PartialEq)]
pub enum From {
    /// A column.
    Column(String),
    /// The same text for every row.
    Constant(String),
    /// An SQL expression over the columns.
    Formula(String),
    /// A column of another file, found by a key.
    Lookup {
        /// The column that holds the key.
        column: String,
        /// The other file, beside the imported one.
        file: String,
        /// Its column with the key.
        key: String,
        /// Its column with the wanted text.
        value: String,
    },
}

/// What is wrong with a mapping file: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapError {
    /// The path of the key, such as `fields.mrr.formula`.
    pub at: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl std::fmt::Display for MapError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = if self.at.is_empty() { "the map" } else { &self.at };
        write!(f, "{at}: {}. {}", self.problem, self.remedy)
    }
}

impl std::error::Error for MapError {}

/// An error at a path of the map.
pub fn wrong<T>(at: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Result<T, MapError> {
    Err(MapError {
        at: at.to_owned(),
        problem: problem.into(),
        remedy: remedy.into(),
    })
}

const TOP: &[&str] = &[
    "fields",
    "skip_when",
    "others",
    "also",
    "types",
    "join",
    "dates",
    "decimal",
    "encoding",
    "delimiter",
    "header",
];
const ENTRY: &[&str] = &["kind", "fields", "skip_when", "others"];
const FIELD: &[&str] = &[
    "column", "constant", "formula", "lookup", "values", "default", "format", "zone", "decimal", "optional",
];

impl Mapping {
    /// The mapping of an import without a map: fields are found by their names. `zone` is the program's.
    pub fn by_names() -> Self {
        let entry = Entry {
            kind: None,
            fields: Vec::new(),
            mapped: false,
            skip_when: None,
            others: None,
        };
        Self {
            hints: Hints::default(),
            types: Vec::new(),
            decimal: None,
            joins: Vec::new(),
            known: Known::default(),
            entries: vec![entry],
        }
    }

    /// Reads a mapping file. `zone` is the program's time zone, for days and for instants without one.
    pub fn parse(yaml: &str, zone: &TimeZone) -> Result<Self, MapError> {
        let remedy = "see docs/import.md for the form of a map";
        let whole: Json =
            serde_saphyr::from_str(yaml).or_else(|error| wrong("", format!("not YAML: {error}"), remedy))?;
        let top = object(&whole, "", TOP)?;
        let dates = match top.get("dates") {
            Some(dates) => object(dates, "dates", &["format", "zone", "known"])?,
            None => &Map::new(),
        };
        let spelling = Spelling {
            format: text_of(dates, "dates.", "format")?,
            zone: zone_of(dates, "dates")?.unwrap_or_else(|| zone.clone()),
            decimal: decimal_of(top, "")?,
        };
        let mut entries = vec![entry(top, "", &spelling)?];
        if let Some(also) = top.get("also") {
            let Json::Array(list) = also else {
                return wrong("also", "not a list", "write one `- kind: …` for each");
            };
            for (at, item) in list.iter().enumerate() {
                let path = format!("also[{at}]");
                let parsed = entry(object(item, &path, ENTRY)?, &format!("{path}."), &spelling)?;
                if parsed.kind.is_none() || !parsed.mapped {
                    return wrong(
                        &path,
                        "it needs `kind` and `fields`",
                        "say what else each row becomes",
                    );
                }
                entries.push(parsed);
            }
        }
        Ok(Self {
            hints: hints(top)?,
            types: types(top)?,
            decimal: spelling.decimal,
            joins: joins(top)?,
            known: known(dates)?,
            entries,
        })
    }
}

fn hints(top: &Map<String, Json>) -> Result<Hints, MapError> {
    let delimiter = match text_of(top, "", "delimiter")? {
        None => None,
        Some(text) => match text.as_str() {
            "tab" | "\\t" => Some(b'\t'),
            one if one.len() == 1 && one != "\"" && one != "\n" => Some(one.as_bytes()[0]),
            _ => {
                return wrong(
                    "delimiter",
                    format!("“{text}” is not one character"),
                    "give one of , ; | or tab",
                );
            }
        },
    };
    let header = match top.get("header") {
        None => None,
        Some(Json::Array(names)) => {
            let names: Option<Vec<String>> = names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect();
            match names {
                Some(names) if !names.is_empty() => Some(names),
                _ => {
                    return wrong(
                        "header",
                        "not a list of names",
                        "give the columns' names in order",
                    );
                }
            }
        }
        Some(_) => {
            return wrong(
                "header",
                "not a list of names",
                "give the columns' names in order",
            );
        }
    };
    Ok(Hints {
        encoding: text_of(top, "", "encoding")?,
        delimiter,
        header,
    })
}

fn known(dates: &Map<String, Json>) -> Result<Known, MapError> {
    let Some(word) = text_of(dates, "dates.", "known")? else {
        return Ok(Known::default());
    };
    match Known::ALL.iter().find(|(name, _)| *name == word) {
        Some((_, known)) => Ok(*known),
        None => wrong(
            "dates.known",
            format!(
                "“{word}” is not a way of being known{}",
                nearest(&word, Known::ALL.map(|(name, _)| name))
            ),
            "give imported (from the import on) or as_dated (from its own date on)",
        ),
    }
}

fn joins(top: &Map<String, Json>) -> Result<Vec<Join>, MapError> {
    let remedy = "write `join: {file: other.csv, on: {column: its_column}}`, or a list of such";
    let list = match top.get("join") {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
    };
    list.iter()
        .enumerate()
        .map(|(at, item)| {
            let path = format!("join[{at}]");
            let map = object(item, &path, &["file", "on"])?;
            let Some(file) = text_of(map, &format!("{path}."), "file")? else {
                return wrong(&path, "it names no file", remedy);
            };
            let on = match map.get("on") {
                Some(Json::Object(on)) if !on.is_empty() => on
                    .iter()
                    .map(|(own, other)| match other.as_str() {
                        Some(other) => Ok((own.clone(), other.to_owned())),
                        None => wrong(
                            &format!("{path}.on.{own}"),
                            format!("{other} is not a column"),
                            remedy,
                        ),
                    })
                    .collect::<Result<_, _>>()?,
                _ => return wrong(&path, "it says not by which columns", remedy),
            };
            Ok(Join { file, on })
        })
        .collect()
}

fn types(top: &Map<String, Json>) -> Result<Vec<(String, ColumnType)>, MapError> {
    let Some(types) = top.get("types") else {
        return Ok(Vec::new());
    };
    let Json::Object(types) = types else {
        return wrong(
            "types",
            "not a mapping",
            "write `column: text` or `column: number`",
        );
    };
    types
        .iter()
        .map(|(column, kind)| match kind.as_str() {
            Some("text") => Ok((column.clone(), ColumnType::Text)),
            Some("number") => Ok((column.clone(), ColumnType::Number)),
            _ => wrong(
                &format!("types.{column}"),
                format!("{kind} is not a type"),
                "give text or number",
            ),
        })
        .collect()
}

fn entry(map: &Map<String, Json>, path: &str, spelling: &Spelling) -> Result<Entry, MapError> {
    let kind = match text_of(map, path, "kind")? {
        None => None,
        Some(name) => match Kind::parse(&name) {
            Some(kind) => Some(kind),
            None => {
                let known = Kind::ALL.map(Kind::name);
                return wrong(
                    &format!("{path}kind"),
                    format!("“{name}” is not a kind of rows{}", nearest(&name, known)),
                    format!("give one of {}", known.join(", ")),
                );
            }
        },
    };
    let others = match text_of(map, path, "others")?.as_deref() {
        None => None,
        Some("attributes") => Some(Others::Attributes),
        Some("properties") => Some(Others::Properties),
        Some("ignore") => Some(Others::Ignored),
        Some(other) => {
            return wrong(
                &format!("{path}others"),
                format!("“{other}” is not known"),
                "give attributes, properties or ignore",
            );
        }
    };
    let mut fields = Vec::new();
    let mapped = map.get("fields").is_some();
    if let Some(listed) = map.get("fields") {
        let Json::Object(listed) = listed else {
            return wrong(
                &format!("{path}fields"),
                "not a mapping",
                "write `field: column` lines below it",
            );
        };
        for (name, from) in listed {
            fields.push((
                name.clone(),
                field(from, &format!("{path}fields.{name}"), spelling)?,
            ));
        }
    }
    Ok(Entry {
        kind,
        fields,
        mapped,
        skip_when: text_of(map, path, "skip_when")?,
        others,
    })
}

fn field(from: &Json, path: &str, spelling: &Spelling) -> Result<FieldMap, MapError> {
    let plain = |from: From| FieldMap {
        from,
        values: Vec::new(),
        default: None,
        spelling: spelling.clone(),
        optional: false,
    };
    let map = match from {
        Json::String(column) => return Ok(plain(From::Column(column.clone()))),
        Json::Object(_) => object(from, path, FIELD)?,
        _ => {
            return wrong(
                path,
                format!("{from} is not a column"),
                "give a column's name, or {constant: …}, or {formula: \"…\"}",
            );
        }
    };
    let at = format!("{path}.");
    let column = text_of(map, &at, "column")?;
    let source = match (
        column,
        map.get("constant"),
        text_of(map, &at, "formula")?,
        map.get("lookup"),
    ) {
        (Some(column), None, None, None) => From::Column(column),
        (None, Some(constant), None, None) => From::Constant(scalar(constant, &format!("{at}constant"))?),
        (None, None, Some(formula), None) => From::Formula(formula),
        (Some(column), None, None, Some(lookup)) => lookup_of(lookup, column, &format!("{at}lookup"))?,
        _ => {
            return wrong(
                path,
                "it needs exactly one of column, constant and formula (lookup goes with column)",
                "keep the one that is meant",
            );
        }
    };
    let mut out = plain(source);
    if let Some(values) = map.get("values") {
        let Json::Object(values) = values else {
            return wrong(
                &format!("{at}values"),
                "not a mapping",
                "write `\"text in the file\": meaning` lines below it",
            );
        };
        for (text, meaning) in values {
            out.values
                .push((text.clone(), scalar(meaning, &format!("{at}values.{text}"))?));
        }
    }
    out.default = map
        .get("default")
        .map(|default| scalar(default, &format!("{at}default")))
        .transpose()?;
    if let Some(format) = text_of(map, &at, "format")? {
        out.spelling.format = Some(format);
    }
    if let Some(zone) = zone_of(map, path)? {
        out.spelling.zone = zone;
    }
    if let Some(decimal) = decimal_of(map, &at)? {
        out.spelling.decimal = Some(decimal);
    }
    out.optional = match map.get("optional") {
        None => false,
        Some(Json::Bool(optional)) => *optional,
        Some(other) => {
            return wrong(
                &format!("{at}optional"),
                format!("{other} is not a truth value"),
                "give true or false",
            );
        }
    };
    Ok(out)
}

fn lookup_of(lookup: &Json, column: String, path: &str) -> Result<From, MapError> {
    let keys = ["file", "key", "value"];
    let map = object(lookup, path, &keys)?;
    let [file, key, value] = keys.map(|key| text_of(map, &format!("{path}."), key));
    match (file?, key?, value?) {
        (Some(file), Some(key), Some(value)) => Ok(From::Lookup {
            column,
            file,
            key,
            value,
        }),
        _ => wrong(
            path,
            "it needs file, key and value",
            "name the other file, its column with the key and its column with the wanted text",
        ),
    }
}

/// The object at `path`, whose keys must all be known.
pub fn object<'a>(value: &'a Json, path: &str, known: &[&str]) -> Result<&'a Map<String, Json>, MapError> {
    let Json::Object(map) = value else {
        return wrong(
            path,
            "not a mapping",
            format!("write keys below it: {}", known.join(", ")),
        );
    };
    for key in map.keys() {
        if !known.contains(&key.as_str()) {
            let at = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            return wrong(
                &at,
                format!("there is no key “{key}”{}", nearest(key, known.iter().copied())),
                format!("known keys: {}", known.join(", ")),
            );
        }
    }
    Ok(map)
}

/// The text under `key`.
pub fn text_of(map: &Map<String, Json>, path: &str, key: &str) -> Result<Option<String>, MapError> {
    match map.get(key) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => wrong(
            &format!("{path}{key}"),
            format!("{other} is not text"),
            "put it in quotes",
        ),
    }
}

fn scalar(value: &Json, path: &str) -> Result<String, MapError> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        Json::Null => Ok(String::new()),
        _ => wrong(path, "it is neither text nor a number", "give one value"),
    }
}

fn zone_of(map: &Map<String, Json>, path: &str) -> Result<Option<TimeZone>, MapError> {
    let Some(name) = text_of(map, &format!("{path}."), "zone")? else {
        return Ok(None);
    };
    match TimeZone::get(&name) {
        Ok(zone) => Ok(Some(zone)),
        Err(error) => wrong(
            &format!("{path}.zone"),
            error.to_string(),
            "give a name such as Europe/Berlin or UTC",
        ),
    }
}

fn decimal_of(map: &Map<String, Json>, path: &str) -> Result<Option<char>, MapError> {
    match text_of(map, path, "decimal")?.as_deref() {
        None => Ok(None),
        Some(".") => Ok(Some('.')),
        Some(",") => Ok(Some(',')),
        Some(other) => wrong(
            &format!("{path}decimal"),
            format!("“{other}” is not a decimal mark"),
            "give \".\" or \",\"",
        ),
    }
}
