//! From a row to what it says: changes of accounts and contacts, and events. Pure.

mod facts;

use serde_json::{Map, Value as Json};

use super::context::Context;
use super::fields::{Form, Kind, Others, Type};
use super::map::Known;
use super::plan::{EntryPlan, Extra, Plan, extra_name};
use super::read::{Columns, Fault, Record};
use super::value::{Spelling, Value, guess, plain_number as number};
use crate::accounts::{Change, normalise};
use crate::events::{Event, Kind as EventKind};

/// The source of what comes from imports, as events and the history of accounts show it.
pub const SOURCE: &str = "import";

/// What a row says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// About accounts and contacts.
    pub changes: Vec<Change>,
    /// What happened.
    pub events: Vec<Event>,
    /// The account that must be known already: rows about an account neither describe it nor are sent by it.
    pub needs: Option<String>,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It says something.
    Facts(Facts),
    /// The map leaves it out.
    Skipped,
    /// It cannot be used.
    Fault(Fault),
}

impl Outcome {
    /// Two parts of one row: a fault of either is the row's, and it is left out when both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fault(fault), _) | (_, Self::Fault(fault)) => Self::Fault(fault),
            (Self::Skipped, other) => other,
            (one, Self::Skipped) => one,
            (Self::Facts(mut one), Self::Facts(other)) => {
                one.changes.extend(other.changes);
                one.events.extend(other.events);
                one.needs = other.needs.or(one.needs);
                Self::Facts(one)
            }
        }
    }
}

/// A row's values of the plan's expressions.
pub type FormulaValues = [Result<Option<String>, String>];

/// Reads one row.
pub fn read(
    plan: &Plan,
    context: &Context,
    columns: &Columns,
    record: &Record,
    formulas: &FormulaValues,
) -> Outcome {
    if let Some(fault) = &record.fault {
        return Outcome::Fault(fault.clone());
    }
    let mut facts = Facts::default();
    let mut makes_account = false;
    for (at, entry) in plan.entries.iter().enumerate() {
        match skipped(entry, formulas) {
            Err(fault) => return Outcome::Fault(fault),
            Ok(true) if at == 0 => return Outcome::Skipped,
            Ok(true) => continue,
            Ok(false) => {}
        }
        let row = match Row::read(entry, context, columns, record, formulas) {
            Ok(row) => row,
            Err(fault) => return Outcome::Fault(fault),
        };
        if let Err(fault) = row.facts(context, &mut facts) {
            return Outcome::Fault(fault);
        }
        match entry.form.kind {
            Kind::Accounts | Kind::Events => makes_account = true,
            _ => facts.needs = row.text("account_id").or(facts.needs),
        }
    }
    if makes_account {
        facts.needs = None;
    }
    Outcome::Facts(facts)
}

fn skipped(entry: &EntryPlan, formulas: &FormulaValues) -> Result<bool, Fault> {
    match entry.skip.map(|at| &formulas[at]) {
        None => Ok(false),
        Some(Ok(value)) => Ok(value.as_deref() == Some("true")),
        Some(Err(problem)) => Err(Fault::field(
            "skip_when",
            "",
            problem.clone(),
            "change `skip_when` in the map, or the row",
        )),
    }
}

/// An entry's values for one row.
struct Row<'a> {
    form: &'a Form,
    known: Known,
    values: Vec<Option<Value>>,
    extras: Map<String, Json>,
}

impl<'a> Row<'a> {
    fn read(
        entry: &'a EntryPlan,
        context: &Context,
        columns: &Columns,
        record: &Record,
        formulas: &FormulaValues,
    ) -> Result<Self, Fault> {
        let mut values = Vec::with_capacity(entry.inputs.len());
        for (field, input) in entry.form.fields.iter().zip(&entry.inputs) {
            let value = match input {
                None => None,
                Some(input) => {
                    let text = input
                        .text(record, formulas)
                        .map_err(|(value, wrong)| fault(field.name, &value, wrong))?;
                    field_value(field.name, field.kind, text, &input.spelling)?
                }
            };
            if value.is_none() && field.required {
                let remedy = "fill the cell, or give a `default:` in the map";
                return Err(Fault::field(
                    field.name,
                    "",
                    format!("{} is missing", field.name),
                    remedy,
                ));
            }
            values.push(value);
        }
        let mut extras = Map::new();
        for extra in &entry.extras {
            let text = extra
                .input
                .text(record, formulas)
                .map_err(|(value, wrong)| fault(&extra.name, &value, wrong))?;
            if let Some(value) = extra_value(extra, text)? {
                extras.insert(extra.name.clone(), value);
            }
        }
        if entry.others != Others::Ignored {
            late_columns(entry, context, columns, record, &mut extras)?;
        }
        Ok(Self {
            form: entry.form,
            known: entry.known,
            values,
            extras,
        })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(self.form.field(name)?)?.as_ref()
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn id(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// An instant, or the beginning of a day.
    fn at(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Instant(at) | Value::Day(_, at) => Some(*at),
            _ => None,
        }
    }

    fn facts(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        match self.form.kind {
            Kind::Accounts => self.account(context, out),
            Kind::Contacts => self.contact(context, out),
            Kind::Subscriptions if self.form.field("change").is_some() => {
                self.subscription_change(context, out)
            }
            Kind::Subscriptions => self.subscription_interval(context, out),
            Kind::Events => self.event(context, out),
            Kind::Tickets => self.ticket(context, out),
            Kind::Opportunities => self.opportunity(context, out),
            Kind::Responses => self.response(context, out),
        }
    }

    /// An event of this row, with `account_id` and `contact_id` from the row.
    fn happened(
        &self,
        context: &Context,
        id: String,
        name: &str,
        at: i64,
        properties: Map<String, Json>,
    ) -> Event {
        Event {
            message_id: id,
            account: self.text("account_id"),
            contact: self.text("contact_id"),
            name: name.to_owned(),
            kind: EventKind::of(name),
            occurred_at: at,
            received_at: self.at("received_at").unwrap_or(match self.known {
                Known::Imported => context.started_at,
                Known::AsDated => at.min(context.started_at),
            }),
            source: SOURCE.to_owned(),
            properties,
        }
    }

    /// Refuses an instant that has not come yet.
    fn past(&self, context: &Context, name: &str, at: i64) -> Result<(), Fault> {
        const DAY: i64 = 86_400_000_000;
        if at <= context.started_at.saturating_add(DAY) {
            return Ok(());
        }
        let value = jiff::Timestamp::from_microsecond(at)
            .map(|at| at.to_string())
            .unwrap_or_default();
        Err(Fault::field(
            name,
            &value,
            "it lies in the future",
            "correct the date; what has not happened yet is not imported",
        ))
    }
}

fn shown(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at)
        .map(|at| at.to_string())
        .unwrap_or_default()
}

fn fault(field: &str, value: &str, (reason, remedy): (String, String)) -> Fault {
    Fault::field(field, value, reason, remedy)
}

/// Reads a field's text; `None` when it is missing.
fn field_value(name: &str, kind: Type, text: &str, spelling: &Spelling) -> Result<Option<Value>, Fault> {
    if kind == Type::Id {
        return match normalise(text) {
            Ok(id) => Ok(id.map(|id| Value::Text(id.into_owned()))),
            Err(wrong) => Err(fault(name, text, (wrong.problem, wrong.remedy.to_owned()))),
        };
    }
    if text.is_empty() {
        return Ok(None);
    }
    spelling
        .read(kind, text)
        .map(Some)
        .map_err(|wrong| fault(name, text, wrong))
}

fn extra_value(extra: &Extra, text: &str) -> Result<Option<Json>, Fault> {
    typed(&extra.name, extra.kind, text, &extra.input.spelling)
}

/// An attribute's or property's text as JSON, by its type or by its looks.
fn typed(name: &str, kind: Option<Type>, text: &str, spelling: &Spelling) -> Result<Option<Json>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains('\0') {
        return Err(Fault::field(name, text, "it holds a NUL character", "remove it"));
    }
    let Some(kind) = kind else {
        return Ok(Some(guess(text)));
    };
    Ok(Some(
        match spelling
            .read(kind, text)
            .map_err(|wrong| fault(name, text, wrong))?
        {
            Value::Text(text) => text.into(),
            Value::Words(words) => words.into(),
            Value::Number(value) => number(value),
            Value::Integer(whole) => whole.into(),
            Value::Boolean(truth) => truth.into(),
            Value::Day(day, _) => day.to_string().into(),
            Value::Instant(at) => shown(at).into(),
            Value::Object(object) => Json::Object(object),
        },
    ))
}

/// Columns that JSON rows brought after the plan was made.
fn late_columns(
    entry: &EntryPlan,
    context: &Context,
    columns: &Columns,
    record: &Record,
    extras: &mut Map<String, Json>,
) -> Result<(), Fault> {
    for at in entry.columns..record.len() {
        let Some(column) = columns.names().get(at) else {
            break;
        };
        let name = extra_name(entry.form.kind, column);
        let kind = (entry.form.kind == Kind::Accounts)
            .then(|| context.attributes.get(&name).copied())
            .flatten();
        let plain = Spelling {
            format: None,
            zone: context.zone.clone(),
            decimal: None,
        };
        if let Some(value) = typed(&name, kind, record.cell(at), &plain)? {
            extras.insert(name, value);
        }
    }
    Ok(())
}
