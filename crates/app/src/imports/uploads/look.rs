//! What becomes of a file's first rows under a map: the same reading and mapping as an import's, of a sample.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::fields::{Form, Kind, Others, Type};
use super::super::map::{MapError, Mapping};
use super::super::plan::{Plan, plan};
use super::super::read::{Hints, ReadError, Source};
use super::super::rows::{Facts, Outcome};
use super::super::value::Spelling;
use super::super::{chunks, looks};
use crate::accounts::Change;

/// Rows of the preview.
const ROWS: usize = 12;
/// Texts of a column that are offered for translation.
const TEXTS: usize = 40;

/// A field that rows of the kind can have.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportField {
    /// Its name.
    name: String,
    /// How its text is read: id, text, day, instant, number, integer, boolean, money, email, currency, object, choice or choices.
    r#type: String,
    /// Whether every row needs it.
    required: bool,
    /// The words of a choice.
    words: Vec<String>,
}

/// A column of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportColumn {
    name: String,
    /// Share of the first rows that have a text here.
    filled: f64,
    /// Different texts among them.
    distinct: usize,
    /// The most frequent texts.
    samples: Vec<String>,
}

/// What is wrong with a map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapProblem {
    /// The path of the key, such as `fields.mrr.formula`.
    at: String,
    problem: String,
    remedy: String,
}

/// A row of the file and what becomes of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowLook {
    line: u64,
    /// Its cells, in the order of the columns.
    cells: Vec<String>,
    /// What it says: accounts, contacts and events, each with its values.
    #[schema(value_type = Vec<HashMap<String, Value>>)]
    becomes: Vec<Json>,
    /// Whether the map leaves it out.
    skipped: bool,
    /// Why it cannot be used: field, value, reason, remedy.
    fault: Option<RowFault>,
}

/// Why a row cannot be used.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RowFault {
    field: String,
    value: String,
    reason: String,
    remedy: String,
}

/// What became of the file's first rows.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SampleCounts {
    rows: usize,
    good: usize,
    rejected: usize,
    skipped: usize,
}

/// A field of a few words, and the texts that stand for them in the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceLook {
    field: String,
    column: String,
    words: Vec<String>,
    texts: Vec<ChoiceText>,
}

/// A text of a column and the word that it is taken for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceText {
    text: String,
    rows: usize,
    /// Null = it is not known what it stands for.
    becomes: Option<String>,
    /// The word that it most likely means.
    likely: Option<String>,
}

/// A file under a map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapLook {
    kind: String,
    /// The map as YAML, as the command line takes it.
    map: String,
    /// The same map as JSON.
    #[schema(value_type = HashMap<String, Value>)]
    document: Json,
    /// What is wrong with the map; the rows are not mapped then.
    problem: Option<MapProblem>,
    /// Every field that rows of the kind can have.
    fields: Vec<ImportField>,
    /// What columns that no field takes become: attributes, properties or ignored.
    others: String,
    /// Attributes that the program declares.
    attributes: Vec<String>,
    columns: Vec<ImportColumn>,
    rows: Vec<RowLook>,
    sample: SampleCounts,
    choices: Vec<ChoiceLook>,
    /// The most frequent reasons for which the first rows are refused.
    faults: Vec<FaultCount>,
    /// Columns that nothing takes.
    unused: Vec<String>,
    /// What a person should look at.
    notes: Vec<MapNote>,
}

/// A reason for which rows are refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultCount {
    field: String,
    reason: String,
    remedy: String,
    rows: usize,
}

/// A remark about a field of the proposal.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapNote {
    pub(super) field: String,
    pub(super) note: String,
}

impl MapLook {
    /// With remarks of the proposal.
    pub fn with_notes(self, notes: Vec<MapNote>) -> Self {
        Self { notes, ..self }
    }

    /// The kind and map that were looked at.
    pub fn chosen(&self) -> (Option<Kind>, Option<String>) {
        (Kind::parse(&self.kind), Some(self.map.clone()))
    }
}

/// A map's document as YAML.
pub fn yaml(document: &Json) -> Option<String> {
    serde_saphyr::to_string(document).ok().map(|text| {
        if text.ends_with('\n') {
            text
        } else {
            format!("{text}\n")
        }
    })
}

/// Looks at a file under a map. The map need not be right: what is wrong with it is part of the answer.
pub fn look(path: &Path, kind: Kind, map: &str, context: &Context) -> Result<MapLook, ReadError> {
    let document: Json = serde_saphyr::from_str(map).unwrap_or(Json::Null);
    let parsed = Mapping::parse(map, &context.zone);
    let hints = parsed
        .as_ref()
        .map_or_else(|_| Hints::default(), |it| it.hints.clone());
    let source = Source::open(path, &hints)?;
    let beside = path.parent().unwrap_or(Path::new("."));
    let planned = parsed.and_then(|mapping| plan(&mapping, kind, &source, context, beside));
    let form = planned
        .as_ref()
        .ok()
        .and_then(|plan| plan.entries.first())
        .map_or_else(|| form_of(kind, &document), |entry| entry.form);
    let mut it = MapLook {
        kind: kind.name().to_owned(),
        map: map.to_owned(),
        problem: None,
        fields: all_fields(kind, form),
        others: others(kind, &document),
        attributes: context.attributes.keys().cloned().collect(),
        columns: columns(&source),
        rows: Vec::new(),
        sample: SampleCounts::default(),
        choices: choices(&source, form, &document),
        faults: Vec::new(),
        unused: Vec::new(),
        notes: Vec::new(),
        document,
    };
    match planned {
        Ok(plan) => rows(&mut it, &source, &plan, context),
        Err(error) => {
            it.problem = Some(problem(&error, path));
            it.rows = source
                .sample
                .iter()
                .take(ROWS)
                .map(|record| raw(&source, record))
                .collect();
        }
    }
    Ok(it)
}

/// The words of a problem without the data folder's path.
fn problem(error: &MapError, path: &Path) -> MapProblem {
    let home = path
        .parent()
        .map(|it| format!("{}/", it.display()))
        .unwrap_or_default();
    MapProblem {
        at: error.at.clone(),
        problem: error.problem.replace(&home, ""),
        remedy: error.remedy.replace(&home, ""),
    }
}

/// The form that a map which does not hold yet seems to be for.
fn form_of(kind: Kind, document: &Json) -> &'static Form {
    let forms = kind.forms();
    let named = |form: &&Form| {
        form.fields
            .iter()
            .filter(|field| document["fields"].get(field.name).is_some())
            .count()
    };
    forms.iter().rev().max_by_key(named).unwrap_or(&forms[0])
}

fn others(kind: Kind, document: &Json) -> String {
    let own = match kind.others() {
        Others::Attributes => "attributes",
        Others::Properties => "properties",
        Others::Ignored => "ignore",
    };
    document["others"].as_str().unwrap_or(own).to_owned()
}

/// The fields of the form first, then those that only other forms of the kind have.
fn all_fields(kind: Kind, form: &Form) -> Vec<ImportField> {
    let mut found: Vec<ImportField> = Vec::new();
    for (own, it) in std::iter::once((true, form)).chain(kind.forms().iter().map(|form| (false, form))) {
        for field in it.fields {
            if found.iter().any(|known| known.name == field.name) {
                continue;
            }
            let words = match field.kind {
                Type::Choice(words) | Type::Choices(words) => {
                    words.iter().map(|it| (*it).to_owned()).collect()
                }
                _ => Vec::new(),
            };
            found.push(ImportField {
                name: field.name.to_owned(),
                r#type: type_name(field.kind).to_owned(),
                required: own && field.required,
                words,
            });
        }
    }
    found
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Id => "id",
        Type::Text => "text",
        Type::Day => "day",
        Type::Instant => "instant",
        Type::Number => "number",
        Type::Integer => "integer",
        Type::Boolean => "boolean",
        Type::Money => "money",
        Type::Email => "email",
        Type::Currency => "currency",
        Type::Object => "object",
        Type::Choice(_) => "choice",
        Type::Choices(_) => "choices",
    }
}

fn texts(source: &Source, column: usize) -> BTreeMap<&str, usize> {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for record in source.sample.iter().filter(|record| record.fault.is_none()) {
        let cell = record.cell(column);
        if !cell.is_empty() {
            *found.entry(cell).or_default() += 1;
        }
    }
    found
}

fn columns(source: &Source) -> Vec<ImportColumn> {
    let rows = source
        .sample
        .iter()
        .filter(|record| record.fault.is_none())
        .count()
        .max(1);
    let column = |(at, name): (usize, &String)| {
        let found = texts(source, at);
        let filled: usize = found.values().sum();
        let mut often: Vec<(&str, usize)> = found.iter().map(|(text, rows)| (*text, *rows)).collect();
        often.sort_by_key(|it| std::cmp::Reverse(it.1));
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand rows")]
        let filled = filled as f64 / rows as f64;
        ImportColumn {
            name: name.clone(),
            filled,
            distinct: found.len(),
            samples: often
                .into_iter()
                .take(4)
                .map(|(text, _)| text.chars().take(80).collect())
                .collect(),
        }
    };
    source.columns.names().iter().enumerate().map(column).collect()
}

fn choices(source: &Source, form: &Form, document: &Json) -> Vec<ChoiceLook> {
    let mut found = Vec::new();
    for field in form.fields {
        let (Type::Choice(words) | Type::Choices(words)) = field.kind else {
            continue;
        };
        let entry = &document["fields"][field.name];
        let Some(column) = entry.as_str().or_else(|| entry["column"].as_str()) else {
            continue;
        };
        let Some(at) = source.columns.find(column) else {
            continue;
        };
        let mut often: Vec<(&str, usize)> = texts(source, at).into_iter().collect();
        often.sort_by_key(|it| std::cmp::Reverse(it.1));
        let texts = often
            .into_iter()
            .take(TEXTS)
            .map(|(text, rows)| {
                let said = entry["values"].get(text).and_then(Json::as_str);
                let word = said
                    .or_else(|| entry["default"].as_str().filter(|_| entry["values"].is_object()))
                    .unwrap_or(text);
                ChoiceText {
                    becomes: Spelling::plain()
                        .read(field.kind, word)
                        .is_ok()
                        .then(|| super::super::read::normal(word)),
                    likely: looks::meaning(text, words),
                    text: text.to_owned(),
                    rows,
                }
            })
            .collect();
        found.push(ChoiceLook {
            field: field.name.to_owned(),
            column: column.to_owned(),
            words: words.iter().map(|it| (*it).to_owned()).collect(),
            texts,
        });
    }
    found
}

fn raw(source: &Source, record: &super::super::read::Record) -> RowLook {
    let width = source.columns.names().len();
    RowLook {
        line: record.line,
        cells: (0..width)
            .map(|at| record.cell(at).chars().take(120).collect())
            .collect(),
        becomes: Vec::new(),
        skipped: false,
        fault: record.fault.as_ref().map(|fault| RowFault {
            field: fault.field.clone(),
            value: fault.value.chars().take(200).collect(),
            reason: fault.reason.clone(),
            remedy: fault.remedy.clone(),
        }),
    }
}

/// Maps the first rows. Rejected ones come first in the preview, because they are what a person has to see.
fn rows(it: &mut MapLook, source: &Source, plan: &Plan, context: &Context) {
    let mapped = chunks::map(plan, context, &source.columns, &source.sample);
    let mut reasons: Vec<FaultCount> = Vec::new();
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (record, row) in source.sample.iter().zip(mapped) {
        it.sample.rows += 1;
        let mut shown = raw(source, record);
        match row.outcome {
            Outcome::Facts(facts) => {
                it.sample.good += 1;
                if good.len() < ROWS {
                    shown.becomes = says(&facts);
                }
            }
            Outcome::Skipped => {
                it.sample.skipped += 1;
                shown.skipped = true;
            }
            Outcome::Fault(fault) => {
                it.sample.rejected += 1;
                match reasons
                    .iter_mut()
                    .find(|it| it.field == fault.field && it.reason == fault.reason)
                {
                    Some(known) => known.rows += 1,
                    None => reasons.push(FaultCount {
                        field: fault.field.clone(),
                        reason: fault.reason.clone(),
                        remedy: fault.remedy.clone(),
                        rows: 1,
                    }),
                }
                shown.fault = Some(RowFault {
                    field: fault.field,
                    value: fault.value.chars().take(200).collect(),
                    reason: fault.reason,
                    remedy: fault.remedy,
                });
            }
        }
        if shown.fault.is_some() {
            refused.push(shown);
        } else if good.len() < ROWS {
            good.push(shown);
        }
    }
    reasons.sort_by_key(|it| std::cmp::Reverse(it.rows));
    reasons.truncate(10);
    refused.truncate(ROWS / 2);
    refused.extend(good);
    refused.truncate(ROWS);
    it.rows = refused;
    it.faults = reasons;
    it.unused.clone_from(&plan.ignored);
}

/// What a row says, in the order in which it would be stored.
fn says(facts: &Facts) -> Vec<Json> {
    let at = |micros: i64| {
        jiff::Timestamp::from_microsecond(micros)
            .unwrap_or_default()
            .to_string()
    };
    let mut said: Vec<Json> = facts
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Account(it) => {
                let mut values = Map::from_iter([
                    ("what".to_owned(), json!("account")),
                    ("id".to_owned(), json!(it.id)),
                ]);
                put(&mut values, "name", it.name.as_ref());
                put(&mut values, "owner", it.owner.as_ref());
                put(&mut values, "parent_id", it.parent.as_ref());
                values.extend(it.attributes.clone());
                Some(Json::Object(values))
            }
            Change::Contact(it) => {
                let mut values = Map::from_iter([
                    ("what".to_owned(), json!("contact")),
                    ("id".to_owned(), json!(it.id)),
                ]);
                put(&mut values, "account_id", it.account.as_ref());
                put(&mut values, "email", it.email.as_ref());
                put(&mut values, "name", it.name.as_ref());
                put(&mut values, "title", it.title.as_ref());
                put(&mut values, "role", it.role.as_ref());
                values.extend(it.attributes.clone());
                Some(Json::Object(values))
            }
            Change::Alias { .. } | Change::Device { .. } | Change::DeviceAccount { .. } => None,
        })
        .collect();
    for it in &facts.events {
        let mut values = Map::from_iter([
            ("what".to_owned(), json!("event")),
            ("id".to_owned(), json!(it.name)),
            ("occurred_at".to_owned(), json!(at(it.occurred_at))),
        ]);
        put(&mut values, "account_id", it.account.as_ref());
        put(&mut values, "contact_id", it.contact.as_ref());
        values.extend(it.properties.clone());
        said.push(Json::Object(values));
    }
    said
}

fn put(values: &mut Map<String, Json>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        values.insert(name.to_owned(), json!(value));
    }
}
