//! A mapping brought together with a file: for each field of each entry, where its text comes from.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path};
use std::sync::Arc;

use super::context::Context;
use super::fields::{Form, Kind, Others, Type};
use super::formula::Formulas;
use super::join::Joins;
use super::map::{Entry, FieldMap, From, Known, MapError, Mapping, wrong};
use super::read::{Columns, Hints, Record, Source, nearest, normal};
use super::value::Spelling;

/// How many keys a looked-up file may have.
const LOOKUP_LIMIT: usize = 5_000_000;
/// Rows of the file by which columns are known when others are put beside them.
const JOINED_SAMPLE: usize = 200;

/// How the rows of one file become accounts, contacts and events.
pub struct Plan {
    /// What each row becomes.
    pub entries: Vec<EntryPlan>,
    /// The expressions of all entries.
    pub formulas: Formulas,
    /// Columns that no entry takes.
    pub ignored: Vec<String>,
    /// Files whose columns stand beside the file's own.
    pub joins: Joins,
}

/// How one entry is read.
pub struct EntryPlan {
    /// The kind and form of its rows.
    pub form: &'static Form,
    /// Where each field of the form comes from.
    pub inputs: Vec<Option<Input>>,
    /// Where attributes or properties come from.
    pub extras: Vec<Extra>,
    /// What becomes of columns that show up only after the first rows (JSON).
    pub others: Others,
    /// The expression for rows that are left out.
    pub skip: Option<usize>,
    /// Columns that were there when the plan was made.
    pub columns: usize,
    /// When what the rows say counts as known.
    pub known: Known,
}

/// An attribute or property.
pub struct Extra {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub input: Input,
    /// How its text is read; `None` = as it looks.
    pub kind: Option<Type>,
}

/// Where a text comes from.
pub struct Input {
    source: InputSource,
    values: HashMap<String, String>,
    default: Option<String>,
    /// How it is spelt.
    pub spelling: Spelling,
}

enum InputSource {
    Column(usize),
    Constant(String),
    Formula(usize),
    Lookup {
        column: usize,
        table: Arc<HashMap<String, String>>,
        file: String,
    },
}

/// What is wrong with an input's text: reason and remedy.
pub type Wrong = (String, String);

impl Input {
    fn column(at: usize, spelling: &Spelling) -> Self {
        Self {
            source: InputSource::Column(at),
            values: HashMap::new(),
            default: None,
            spelling: spelling.clone(),
        }
    }

    /// The text for a row; empty when it is missing. `formulas` are the row's values of the plan's expressions.
    pub fn text<'a>(
        &'a self,
        record: &'a Record,
        formulas: &'a [Result<Option<String>, String>],
    ) -> Result<&'a str, (String, Wrong)> {
        let raw = match &self.source {
            InputSource::Column(at) => record.cell(*at),
            InputSource::Constant(text) => text,
            InputSource::Formula(at) => match &formulas[*at] {
                Ok(value) => value.as_deref().unwrap_or(""),
                Err(problem) => {
                    return Err((
                        String::new(),
                        (
                            problem.clone(),
                            "change the formula in the map, or the row".to_owned(),
                        ),
                    ));
                }
            },
            InputSource::Lookup { column, table, file } => match record.cell(*column) {
                "" => "",
                key => match table.get(key) {
                    Some(text) => text,
                    None if self.default.is_some() => "",
                    None => {
                        let remedy = format!("add the row to {file}, or give a `default:` in the map");
                        return Err((
                            key.to_owned(),
                            (format!("{file} has no row with this key"), remedy),
                        ));
                    }
                },
            },
        };
        let translated = if raw.is_empty() {
            None
        } else {
            self.values.get(raw).map(String::as_str)
        };
        Ok(match (translated, &self.default) {
            (Some(text), _) => text,
            (None, Some(default)) if raw.is_empty() || !self.values.is_empty() => default,
            _ => raw,
        })
    }
}

/// Brings `mapping` and `source` together for rows of `kind`. `beside` is the folder of files that lookups name.
pub fn plan(
    mapping: &Mapping,
    kind: Kind,
    source: &Source,
    context: &Context,
    beside: &Path,
) -> Result<Plan, MapError> {
    let joins = Joins::read(&mapping.joins, source, beside)?;
    let own = source.columns.names().len();
    let wide;
    let source = if joins.is_empty() {
        source
    } else {
        let mut beside = source.clone();
        beside.columns = joins.columns.clone();
        beside.sample = source
            .sample
            .iter()
            .take(JOINED_SAMPLE)
            .flat_map(|record| joins.spread(record))
            .collect();
        wide = beside;
        &wide
    };
    let mut maker = Maker {
        source,
        context,
        beside,
        formulas: Formulas::new(source, &mapping.types, mapping.decimal),
        taken: BTreeSet::new(),
        known: mapping.known,
    };
    for (column, _) in &mapping.types {
        maker.find("types", column)?;
    }
    let entries = mapping
        .entries
        .iter()
        .enumerate()
        .map(|(at, entry)| maker.entry(entry, entry.kind.unwrap_or(kind), at))
        .collect::<Result<Vec<_>, _>>()?;
    let ignored = source
        .columns
        .names()
        .iter()
        .enumerate()
        // What is only put beside need not be taken.
        .filter(|(at, _)| *at < own && !maker.taken.contains(at))
        .map(|(_, n)| n.clone())
        .collect();
    Ok(Plan {
        entries,
        formulas: maker.formulas,
        ignored,
        joins,
    })
}

struct Maker<'a> {
    source: &'a Source,
    context: &'a Context,
    beside: &'a Path,
    formulas: Formulas,
    taken: BTreeSet<usize>,
    known: Known,
}

impl Maker<'_> {
    fn columns(&self) -> &Columns {
        &self.source.columns
    }

    fn find(&mut self, at: &str, column: &str) -> Result<usize, MapError> {
        let names = self.columns().names();
        if let Some(found) = self.columns().find(column) {
            self.taken.insert(found);
            return Ok(found);
        }
        wrong(
            at,
            format!(
                "{} has no column “{column}”{}",
                self.source.path.display(),
                nearest(column, names.iter().map(String::as_str))
            ),
            format!(
                "its columns are {}; `optional: true` lets a column be absent",
                shown(names)
            ),
        )
    }

    fn entry(&mut self, entry: &Entry, kind: Kind, at: usize) -> Result<EntryPlan, MapError> {
        let path = if at == 0 {
            String::new()
        } else {
            format!("also[{}].", at - 1)
        };
        let form = self.form(entry, kind);
        let mut inputs: Vec<Option<Input>> = form.fields.iter().map(|_| None).collect();
        let mut extras = Vec::new();
        for (name, map) in &entry.fields {
            let at = format!("{path}fields.{name}");
            if let Some(place) = form.field(name) {
                inputs[place] = self.input(map, &at)?;
                continue;
            }
            let Some(extra) = self.extra_name(form, name) else {
                return self.unknown_field(form, name, &at);
            };
            if let Some(input) = self.input(map, &at)? {
                let kind = self.declared(form.kind, &extra);
                extras.push(Extra {
                    name: extra,
                    input,
                    kind,
                });
            }
        }
        let plain = Spelling {
            format: None,
            zone: self.context.zone.clone(),
            decimal: None,
        };
        if !entry.mapped {
            self.guess(form, &mut inputs, &plain);
        }
        let skip = entry.skip_when.as_ref().map(|condition| {
            let (place, used) = self.formulas.add(condition, &format!("{path}skip_when"), true)?;
            self.taken.extend(used);
            Ok(place)
        });
        let skip = skip.transpose()?;
        let others = entry.others.unwrap_or(if at == 0 {
            form.kind.others()
        } else {
            Others::Ignored
        });
        if others != Others::Ignored {
            self.take_others(form, &mut extras, &inputs, &plain);
        }
        self.require(form, &inputs, &path, entry.mapped)?;
        Ok(EntryPlan {
            form,
            inputs,
            extras,
            others,
            skip,
            columns: self.columns().names().len(),
            known: self.known,
        })
    }

    /// The form of the kind's rows: the first one whose own required fields are all there.
    fn form(&self, entry: &Entry, kind: Kind) -> &'static Form {
        let forms = kind.forms();
        let has = |form: &Form| {
            let own = form
                .fields
                .iter()
                .enumerate()
                .filter(|(_, field)| field.required && !shared(forms, field.name));
            own.clone().count() > 0
                && own.clone().all(|(at, field)| {
                    if entry.mapped {
                        entry.fields.iter().any(|(name, _)| name == field.name)
                    } else {
                        self.columns()
                            .names()
                            .iter()
                            .any(|column| form.guess(column) == Some(at))
                    }
                })
        };
        forms.iter().find(|form| has(form)).unwrap_or(&forms[0])
    }

    fn input(&mut self, map: &FieldMap, at: &str) -> Result<Option<Input>, MapError> {
        let source = match &map.from {
            From::Column(column) if map.optional && self.columns().find(column).is_none() => {
                match &map.default {
                    None => return Ok(None),
                    Some(default) => InputSource::Constant(default.clone()),
                }
            }
            From::Column(column) => InputSource::Column(self.find(at, column)?),
            From::Constant(text) => InputSource::Constant(text.clone()),
            From::Formula(formula) => {
                let (place, used) = self.formulas.add(formula, &format!("{at}.formula"), false)?;
                self.taken.extend(used);
                InputSource::Formula(place)
            }
            From::Lookup {
                column,
                file,
                key,
                value,
            } => {
                let inside = Path::new(file)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if !inside {
                    return wrong(
                        &format!("{at}.lookup.file"),
                        format!("“{file}” leads out of the folder"),
                        "name a file beside the imported one",
                    );
                }
                let table = lookup(&self.beside.join(file), key, value, at)?;
                InputSource::Lookup {
                    column: self.find(at, column)?,
                    table: Arc::new(table),
                    file: file.clone(),
                }
            }
        };
        // A formula's figures are written plainly, whatever the file's own decimal mark is.
        let spelling = match source {
            InputSource::Formula(_) => Spelling {
                decimal: None,
                ..map.spelling.clone()
            },
            _ => map.spelling.clone(),
        };
        Ok(Some(Input {
            source,
            values: map.values.iter().cloned().collect(),
            default: map.default.clone(),
            spelling,
        }))
    }

    /// The attribute or property that a name of the map stands for, if rows of the kind can have it.
    fn extra_name(&self, form: &Form, name: &str) -> Option<String> {
        match form.kind {
            Kind::Accounts | Kind::Contacts => {
                let bare = name.strip_prefix("attributes.").unwrap_or(name);
                let declared = form.kind == Kind::Accounts && self.context.attributes.contains_key(bare);
                (declared || bare != name).then(|| bare.to_owned())
            }
            _ => name.strip_prefix("properties.").map(str::to_owned),
        }
        .filter(|bare| !bare.is_empty())
    }

    fn unknown_field<T>(&self, form: &Form, name: &str, at: &str) -> Result<T, MapError> {
        let mut known: Vec<&str> = form.fields.iter().map(|field| field.name).collect();
        let remedy = match form.kind {
            Kind::Accounts => {
                known.extend(self.context.attributes.keys().map(String::as_str));
                format!(
                    "use a field ({}), an attribute that the program declares, or `attributes.{name}`",
                    known.join(", ")
                )
            }
            Kind::Contacts => format!("use a field ({}), or `attributes.{name}`", known.join(", ")),
            _ => format!("use a field ({}), or `properties.{name}`", known.join(", ")),
        };
        wrong(
            at,
            format!("{} have no field “{name}”{}", form.name, nearest(name, known)),
            remedy,
        )
    }

    fn declared(&self, kind: Kind, name: &str) -> Option<Type> {
        if self.formulas.is_text(name) {
            return Some(Type::Text);
        }
        (kind == Kind::Accounts)
            .then(|| self.context.attributes.get(name).copied())
            .flatten()
    }

    /// Takes columns for fields by their names. An exact name comes before a synonym, the first column before later ones.
    fn guess(&mut self, form: &Form, inputs: &mut [Option<Input>], plain: &Spelling) {
        let names = self.columns().names().to_vec();
        for exact in [true, false] {
            for (at, column) in names
                .iter()
                .enumerate()
                .filter(|(at, _)| !self.taken_here(inputs, *at))
                .collect::<Vec<_>>()
            {
                if let Some(place) = form.guess(column)
                    && inputs[place].is_none()
                    && (!exact || form.fields[place].name == normal(column))
                {
                    inputs[place] = Some(Input::column(at, plain));
                    self.taken.insert(at);
                }
            }
        }
    }

    fn taken_here(&self, inputs: &[Option<Input>], column: usize) -> bool {
        inputs
            .iter()
            .flatten()
            .any(|input| matches!(input.source, InputSource::Column(at) if at == column))
    }

    /// Makes attributes or properties of the columns that nothing took.
    fn take_others(
        &mut self,
        form: &Form,
        extras: &mut Vec<Extra>,
        inputs: &[Option<Input>],
        plain: &Spelling,
    ) {
        let names = self.columns().names().to_vec();
        for (at, column) in names.iter().enumerate() {
            let named: BTreeSet<&str> = extras.iter().map(|extra| extra.name.as_str()).collect();
            let name = extra_name(form.kind, column);
            if self.taken.contains(&at) || self.taken_here(inputs, at) || named.contains(name.as_str()) {
                continue;
            }
            let kind = if self.formulas.is_text(column) {
                Some(Type::Text)
            } else {
                self.declared(form.kind, &name)
            };
            self.taken.insert(at);
            extras.push(Extra {
                name,
                input: Input::column(at, plain),
                kind,
            });
        }
    }

    fn require(
        &self,
        form: &Form,
        inputs: &[Option<Input>],
        path: &str,
        mapped: bool,
    ) -> Result<(), MapError> {
        let names = self.columns().names();
        let missing = form
            .fields
            .iter()
            .zip(inputs)
            .find(|(field, input)| field.required && input.is_none());
        let Some((field, _)) = missing else { return Ok(()) };
        let at = format!("{path}fields.{}", field.name);
        if mapped {
            return wrong(
                &at,
                format!("{} need {}", form.name, field.name),
                "say where it comes from",
            );
        }
        if names.len() == 1 && self.source.path.extension().is_none_or(|e| e != "jsonl") {
            return wrong(
                &at,
                format!(
                    "{} has one column only, “{}”",
                    self.source.path.display(),
                    names[0]
                ),
                "say `delimiter:` in a map if it has more, or export it with all of them",
            );
        }
        wrong(
            &at,
            format!(
                "{} need {}, and no column of {} looks like it{}",
                form.name,
                field.name,
                self.source.path.display(),
                nearest(field.name, names.iter().map(String::as_str))
            ),
            format!(
                "give a map that says which of its columns ({}) it is",
                shown(names)
            ),
        )
    }
}

/// What a column that no field takes is called as an attribute or property.
pub fn extra_name(kind: Kind, column: &str) -> String {
    match kind.others() {
        Others::Attributes => normal(column.strip_prefix("attributes.").unwrap_or(column)),
        _ => column.strip_prefix("properties.").unwrap_or(column).to_owned(),
    }
}

fn shared(forms: &[Form], name: &str) -> bool {
    forms.iter().all(|form| {
        form.fields
            .iter()
            .any(|field| field.name == name && field.required)
    })
}

fn shown(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(30)
        .map(|name| format!("“{name}”"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > 30 {
        text.push_str(&format!(" and {} more", names.len() - 30));
    }
    text
}

/// Reads a file's key and value columns into memory.
fn lookup(path: &Path, key: &str, value: &str, at: &str) -> Result<HashMap<String, String>, MapError> {
    let remedy = "name a file beside the imported one and two of its columns";
    let unreadable = |error: super::read::ReadError| MapError {
        at: at.to_owned(),
        problem: error.to_string(),
        remedy: remedy.to_owned(),
    };
    let source = Source::open(path, &Hints::default()).map_err(unreadable)?;
    let column = |name: &str| match source.columns.find(name) {
        Some(found) => Ok(found),
        None => {
            let names = source.columns.names();
            let problem = format!(
                "{} has no column “{name}”{}",
                path.display(),
                nearest(name, names.iter().map(String::as_str))
            );
            wrong(at, problem, format!("its columns are {}", shown(names)))
        }
    };
    let (key, value) = (column(key)?, column(value)?);
    let mut rows = source
        .records(source.start.0, source.start.1)
        .map_err(unreadable)?;
    let (mut record, mut table) = (Record::default(), HashMap::new());
    while rows.next(&mut record).map_err(unreadable)? {
        if record.fault.is_none() && !record.cell(key).is_empty() {
            table
                .entry(record.cell(key).to_owned())
                .or_insert_with(|| record.cell(value).to_owned());
        }
        if table.len() > LOOKUP_LIMIT {
            return wrong(
                at,
                format!("{} has more than {LOOKUP_LIMIT} keys", path.display()),
                "join the files before the import",
            );
        }
    }
    Ok(table)
}
