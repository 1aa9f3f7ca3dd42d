//! From a row to what it says: changes of accounts and contacts, and events. Pure.

use serde_json::{Map, Value as Json};

use super::context::Context;
use super::fields::{Form, Kind, Others, REASONS, Type};
use super::plan::{EntryPlan, Extra, Plan, extra_name};
use super::read::{Columns, Fault, Record};
use super::value::{Spelling, Value, guess, plain_number as number};
use crate::accounts::{AccountChange, Change, ContactChange, normalise};
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

/// A row's values of the plan's expressions.
pub type FormulaValues = [Result<Option<String>, String>];

/// Reads one row.
pub fn read(plan: &Plan, context: &Context, columns: &Columns, record: &Record, formulas: &FormulaValues) -> Outcome {
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
        Some(Err(problem)) => Err(Fault::field("skip_when", "", problem.clone(), "change `skip_when` in the map, or the row")),
    }
}

/// An entry's values for one row.
struct Row<'a> {
    form: &'a Form,
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
                    let text = input.text(record, formulas).map_err(|(value, wrong)| fault(field.name, &value, wrong))?;
                    field_value(field.name, field.kind, text, &input.spelling)?
                }
            };
            if value.is_none() && field.required {
                let remedy = "fill the cell, or give a `default:` in the map";
                return Err(Fault::field(field.name, "", format!("{} is missing", field.name), remedy));
            }
            values.push(value);
        }
        let mut extras = Map::new();
        for extra in &entry.extras {
            let text = extra.input.text(record, formulas).map_err(|(value, wrong)| fault(&extra.name, &value, wrong))?;
            if let Some(value) = extra_value(extra, text)? {
                extras.insert(extra.name.clone(), value);
            }
        }
        if entry.others != Others::Ignored {
            late_columns(entry, context, columns, record, &mut extras)?;
        }
        Ok(Self { form: entry.form, values, extras })
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
            Kind::Subscriptions if self.form.field("change").is_some() => self.subscription_change(context, out),
            Kind::Subscriptions => self.subscription_interval(context, out),
            Kind::Events => self.event(context, out),
            Kind::Tickets => self.ticket(context, out),
            Kind::Opportunities => self.opportunity(context, out),
            Kind::Responses => self.response(context, out),
        }
    }

    /// An event of this row, with `account_id` and `contact_id` from the row.
    fn happened(&self, context: &Context, id: String, name: &str, at: i64, properties: Map<String, Json>) -> Event {
        Event {
            message_id: id,
            account: self.text("account_id"),
            contact: self.text("contact_id"),
            name: name.to_owned(),
            kind: EventKind::of(name),
            occurred_at: at,
            received_at: self.at("received_at").unwrap_or(context.started_at),
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
        let value = jiff::Timestamp::from_microsecond(at).map(|at| at.to_string()).unwrap_or_default();
        Err(Fault::field(name, &value, "it lies in the future", "correct the date; what has not happened yet is not imported"))
    }

    fn account(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let at = self.at("updated_at").unwrap_or(context.as_of);
        self.past(context, "updated_at", at)?;
        let mut attributes = self.extras.clone();
        for name in ["domain", "industry", "plan"] {
            if let Some(text) = self.text(name) {
                attributes.insert(name.to_owned(), text.into());
            }
        }
        for name in ["employees", "seats"] {
            if let Some(Value::Integer(number)) = self.get(name) {
                if *number < 0 {
                    return Err(Fault::field(name, &number.to_string(), "it is negative", "give zero or more, or leave the cell empty"));
                }
                attributes.insert(name.to_owned(), (*number).into());
            }
        }
        self.account_contract(context, &mut attributes)?;
        out.changes.push(Change::Account(AccountChange {
            id: self.id("account_id"),
            name: self.text("name"),
            owner: self.text("owner").map(|owner| if owner.contains('@') { owner.to_lowercase() } else { owner }),
            parent: self.text("parent_id"),
            attributes,
            at,
        }));
        Ok(())
    }

    /// What the account's own row says about its contract. It is kept as attributes with their history and counts as long as no
    /// revenue event tells more (docs/shape.md), so that a row with an MRR and a subscription with the same MRR are not two.
    fn account_contract(&self, context: &Context, attributes: &mut Map<String, Json>) -> Result<(), Fault> {
        for name in ["started_on", "churned_on"] {
            if let Some(Value::Day(day, at)) = self.get(name) {
                self.past(context, name, *at)?;
                attributes.insert(name.to_owned(), day.to_string().into());
            }
        }
        if let (Some(Value::Day(_, started)), Some(Value::Day(day, churned))) = (self.get("started_on"), self.get("churned_on"))
            && churned < started
        {
            return Err(Fault::field("churned_on", &day.to_string(), "it is before started_on", "correct one of the two"));
        }
        if let Some(reason) = self.text("churn_reason") {
            attributes.insert("churn_reason".to_owned(), reason.into());
        }
        if let Some(mrr) = self.number("mrr") {
            attributes.insert("mrr".to_owned(), number(mrr));
            attributes.insert("currency".to_owned(), self.currency(context));
        }
        Ok(())
    }

    fn currency(&self, context: &Context) -> Json {
        self.text("currency").unwrap_or_else(|| context.currency.clone()).into()
    }

    fn contact(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let at = self.at("updated_at").unwrap_or(context.as_of);
        self.past(context, "updated_at", at)?;
        let mut attributes = self.extras.clone();
        if let Some(phone) = self.text("phone") {
            attributes.insert("phone".to_owned(), phone.into());
        }
        out.changes.push(Change::Contact(ContactChange {
            id: self.id("contact_id"),
            account: self.text("account_id"),
            email: self.text("email"),
            name: self.text("name"),
            title: self.text("title"),
            role: self.text("role"),
            attributes,
            at,
        }));
        Ok(())
    }

    fn subscription_change(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let (account, change) = (self.id("account_id"), self.id("change"));
        let Some(Value::Day(day, at)) = self.get("effective_on") else { return Ok(()) };
        self.past(context, "effective_on", *at)?;
        let mrr_said = matches!(change.as_str(), "started" | "new" | "upsell" | "cross_sell" | "contraction" | "price");
        if mrr_said && self.number("mrr").is_none() {
            let reason = format!("mrr is missing, and a change “{change}” needs it");
            return Err(Fault::field("mrr", "", reason, "give the MRR after the change, 0 if there is none"));
        }
        let mut properties = self.extras.clone();
        let subscription = self.text("subscription_id");
        if let Some(subscription) = &subscription {
            properties.insert("subscription_id".to_owned(), subscription.clone().into());
        }
        if let Some(mrr) = self.number("mrr") {
            properties.insert("mrr".to_owned(), number(mrr));
            properties.insert("currency".to_owned(), self.currency(context));
        }
        let name = match change.as_str() {
            "started" => "subscription_started",
            "new" | "upsell" | "cross_sell" | "contraction" | "price" => {
                properties.insert("reason".to_owned(), change.clone().into());
                "mrr_changed"
            }
            same => same,
        };
        if let Some(reason) = self.text("reason") {
            // Why a customer leaves is one of a few codes; why a price changed may be said in any words.
            if matches!(change.as_str(), "churned" | "churn_notice" | "saved") && !REASONS.contains(&reason.as_str()) {
                let remedy = format!("use one of {}, or map your words onto them under `values`", REASONS.join(", "));
                return Err(Fault::field("reason", &reason, "it is none of the known words", &remedy));
            }
            let key = if name == "mrr_changed" { "cause" } else { "reason" };
            properties.insert(key.to_owned(), reason.into());
        }
        if let Some(Value::Words(words)) = self.get("secondary_reasons") {
            properties.insert("secondary_reasons".to_owned(), words.clone().into());
        }
        let id = self.text("message_id").unwrap_or_else(|| {
            let of = subscription.map_or_else(|| format!("account/{account}"), |id| format!("subscription/{id}"));
            format!("{of}/{change}/{day}")
        });
        out.events.push(self.happened(context, id, name, *at, properties));
        Ok(())
    }

    fn subscription_interval(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("subscription_id");
        let (Some(Value::Day(_, start)), Some(mrr)) = (self.get("start_on"), self.number("mrr")) else { return Ok(()) };
        self.past(context, "start_on", *start)?;
        let mut properties = self.extras.clone();
        properties.insert("subscription_id".to_owned(), id.clone().into());
        properties.insert("mrr".to_owned(), number(mrr));
        properties.insert("currency".to_owned(), self.currency(context));
        out.events.push(self.happened(context, format!("subscription/{id}/started"), "subscription_started", *start, properties));
        let Some(Value::Day(day, end)) = self.get("end_on") else { return Ok(()) };
        if end < start {
            return Err(Fault::field("end_on", &day.to_string(), "it is before start_on", "correct one of the two"));
        }
        // An end that is still to come is the end of a term, not of the subscription.
        if *end <= context.started_at {
            let mut properties = Map::new();
            properties.insert("subscription_id".to_owned(), id.clone().into());
            if let Some(reason) = self.text("reason") {
                properties.insert("reason".to_owned(), reason.into());
            }
            out.events.push(self.happened(context, format!("subscription/{id}/ended"), "churned", *end, properties));
        }
        Ok(())
    }

    fn event(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let Some(at) = self.at("occurred_at") else { return Ok(()) };
        self.past(context, "occurred_at", at)?;
        let (name, kind) = context.event(&self.id("name"));
        let mut properties = match self.get("properties") {
            Some(Value::Object(object)) => object.clone(),
            _ => Map::new(),
        };
        properties.extend(self.extras.clone());
        let event = self.happened(context, self.id("message_id"), &name, at, properties);
        out.events.push(Event { kind, ..event });
        Ok(())
    }

    fn ticket(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("ticket_id");
        let Some(opened) = self.at("opened_at") else { return Ok(()) };
        let mut first = self.extras.clone();
        for name in ["priority", "subject"] {
            if let Some(text) = self.text(name) {
                first.insert(name.to_owned(), text.into());
            }
        }
        let ticket = || Map::from_iter([("ticket_id".to_owned(), Json::from(id.clone()))]);
        let steps = [
            ("opened_at", "ticket_opened", "opened"),
            ("escalated_at", "ticket_escalated", "escalated"),
            ("reopened_at", "ticket_reopened", "reopened"),
            ("resolved_at", "ticket_resolved", "resolved"),
        ];
        for (field, name, step) in steps {
            let Some(at) = self.at(field) else { continue };
            self.past(context, field, at)?;
            if at < opened {
                return Err(Fault::field(field, &shown(at), "it is before opened_at", "correct one of the two"));
            }
            let mut properties = ticket();
            if field == "opened_at" {
                properties.append(&mut first);
            } else if let Some(priority) = self.text("priority") {
                properties.insert("priority".to_owned(), priority.into());
            }
            out.events.push(self.happened(context, format!("ticket/{id}/{step}"), name, at, properties));
        }
        if let Some(score) = self.number("satisfaction") {
            check_score("satisfaction", score, "csat")?;
            let mut properties = ticket();
            properties.insert("response_id".to_owned(), format!("ticket/{id}").into());
            properties.insert("survey".to_owned(), "csat".into());
            properties.insert("interaction".to_owned(), "support".into());
            properties.insert("score".to_owned(), number(score));
            let at = self.at("resolved_at").unwrap_or(opened);
            out.events.push(self.happened(context, format!("ticket/{id}/satisfaction"), "survey_answered", at, properties));
        }
        Ok(())
    }

    fn opportunity(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("opportunity_id");
        let (Some(opened), Some(value)) = (self.at("opened_on"), self.number("value")) else { return Ok(()) };
        self.past(context, "opened_on", opened)?;
        let mut properties = self.extras.clone();
        properties.insert("opportunity_id".to_owned(), id.clone().into());
        properties.insert("type".to_owned(), self.id("type").into());
        properties.insert("value".to_owned(), number(value));
        properties.insert("currency".to_owned(), self.currency(context));
        if let Some(stage) = self.text("stage") {
            properties.insert("stage".to_owned(), stage.into());
        }
        out.events.push(self.happened(context, format!("opportunity/{id}/opened"), "opportunity_opened", opened, properties.clone()));
        // Exports give open opportunities the day on which they are expected to close.
        let Some(outcome) = self.text("outcome") else { return Ok(()) };
        let Some(closed) = self.at("closed_on") else {
            return Err(Fault::field("closed_on", "", "it is missing, and the outcome is known", "give the day on which it closed"));
        };
        self.past(context, "closed_on", closed)?;
        if closed < opened {
            return Err(Fault::field("closed_on", &shown(closed), "it is before opened_on", "correct one of the two"));
        }
        let name = if outcome == "won" { "opportunity_won" } else { "opportunity_lost" };
        out.events.push(self.happened(context, format!("opportunity/{id}/{outcome}"), name, closed, properties));
        Ok(())
    }

    fn response(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let (id, survey) = (self.id("response_id"), self.id("survey"));
        let declined = matches!(self.get("declined"), Some(Value::Boolean(true)));
        let (sent, answered, score) = (self.at("sent_at"), self.at("answered_at"), self.number("score"));
        let mut properties = self.extras.clone();
        properties.insert("response_id".to_owned(), id.clone().into());
        properties.insert("survey".to_owned(), survey.clone().into());
        if let Some(interaction) = self.text("interaction") {
            properties.insert("interaction".to_owned(), interaction.into());
        }
        if let Some(sent) = sent {
            self.past(context, "sent_at", sent)?;
            out.events.push(self.happened(context, format!("response/{id}/sent"), "survey_sent", sent, properties.clone()));
        }
        match (declined, answered, score) {
            (true, _, _) => {
                let Some(at) = answered.or(sent) else { return Err(no_date()) };
                out.events.push(self.happened(context, format!("response/{id}/declined"), "survey_declined", at, properties));
            }
            (false, Some(at), Some(score)) => {
                self.past(context, "answered_at", at)?;
                if sent.is_some_and(|sent| at < sent) {
                    return Err(Fault::field("answered_at", &shown(at), "it is before sent_at", "correct one of the two"));
                }
                check_score("score", score, &survey)?;
                properties.insert("score".to_owned(), number(score));
                if let Some(comment) = self.text("comment") {
                    properties.insert("comment".to_owned(), comment.into());
                }
                out.events.push(self.happened(context, format!("response/{id}/answered"), "survey_answered", at, properties));
            }
            (false, None, Some(score)) => {
                let reason = "it is missing, and a score is given";
                return Err(Fault::field("answered_at", &score.to_string(), reason, "give the time of the answer"));
            }
            (false, Some(_), None) => {
                return Err(Fault::field("score", "", "it is missing, and answered_at is given", "give the score, or say `declined`"));
            }
            (false, None, None) if sent.is_none() => return Err(no_date()),
            (false, None, None) => {}
        }
        Ok(())
    }
}

fn no_date() -> Fault {
    Fault::field("sent_at", "", "neither sent_at nor answered_at is given", "give at least one of them")
}

fn check_score(field: &str, score: f64, survey: &str) -> Result<(), Fault> {
    let (low, high) = match survey {
        "nps" => (0.0, 10.0),
        "ces" => (1.0, 7.0),
        _ => (1.0, 5.0),
    };
    if (low..=high).contains(&score) && score.fract() == 0.0 {
        return Ok(());
    }
    let remedy = format!("give a whole number from {low} to {high}, or convert the scale with a formula");
    Err(Fault::field(field, &score.to_string(), format!("it is outside the scale of {survey}"), remedy))
}

fn shown(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at).map(|at| at.to_string()).unwrap_or_default()
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
    spelling.read(kind, text).map(Some).map_err(|wrong| fault(name, text, wrong))
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
    let Some(kind) = kind else { return Ok(Some(guess(text))) };
    Ok(Some(match spelling.read(kind, text).map_err(|wrong| fault(name, text, wrong))? {
        Value::Text(text) => text.into(),
        Value::Words(words) => words.into(),
        Value::Number(value) => number(value),
        Value::Integer(whole) => whole.into(),
        Value::Boolean(truth) => truth.into(),
        Value::Day(day, _) => day.to_string().into(),
        Value::Instant(at) => shown(at).into(),
        Value::Object(object) => Json::Object(object),
    }))
}

/// Columns that JSON rows brought after the plan was made.
fn late_columns(
    entry: &EntryPlan,
    context: &Context,
    columns: &Columns,
    record: &Record,
    extras: &mut Map<String, Json>,
) -> Result<(), Fault> {
    for at in entry.known..record.len() {
        let Some(column) = columns.names().get(at) else { break };
        let name = extra_name(entry.form.kind, column);
        let kind = (entry.form.kind == Kind::Accounts).then(|| context.attributes.get(&name).copied()).flatten();
        let plain = Spelling { format: None, zone: context.zone.clone(), decimal: None };
        if let Some(value) = typed(&name, kind, record.cell(at), &plain)? {
            extras.insert(name, value);
        }
    }
    Ok(())
}
