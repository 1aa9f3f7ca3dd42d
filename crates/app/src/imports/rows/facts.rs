//! What the rows of each kind say.

use serde_json::{Map, Value as Json};

use super::{Facts, Row, shown};
use crate::accounts::{AccountChange, Change, ContactChange};
use crate::events::Event;
use crate::imports::context::Context;
use crate::imports::fields::REASONS;
use crate::imports::read::Fault;
use crate::imports::value::{Value, plain_number as number};

impl Row<'_> {
    pub(super) fn account(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
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
                    return Err(Fault::field(
                        name,
                        &number.to_string(),
                        "it is negative",
                        "give zero or more, or leave the cell empty",
                    ));
                }
                attributes.insert(name.to_owned(), (*number).into());
            }
        }
        self.account_contract(context, &mut attributes)?;
        out.changes.push(Change::Account(AccountChange {
            id: self.id("account_id"),
            name: self.text("name"),
            owner: self.text("owner").map(|owner| {
                if owner.contains('@') {
                    owner.to_lowercase()
                } else {
                    owner
                }
            }),
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
        if let (Some(Value::Day(_, started)), Some(Value::Day(day, churned))) =
            (self.get("started_on"), self.get("churned_on"))
            && churned < started
        {
            return Err(Fault::field(
                "churned_on",
                &day.to_string(),
                "it is before started_on",
                "correct one of the two",
            ));
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
        self.text("currency")
            .unwrap_or_else(|| context.currency.clone())
            .into()
    }

    pub(super) fn contact(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
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

    pub(super) fn subscription_change(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let (account, change) = (self.id("account_id"), self.id("change"));
        let Some(Value::Day(day, at)) = self.get("effective_on") else {
            return Ok(());
        };
        self.past(context, "effective_on", *at)?;
        let mrr_said = matches!(
            change.as_str(),
            "started" | "new" | "upsell" | "cross_sell" | "contraction" | "price"
        );
        if mrr_said && self.number("mrr").is_none() {
            let reason = format!("mrr is missing, and a change “{change}” needs it");
            return Err(Fault::field(
                "mrr",
                "",
                reason,
                "give the MRR after the change, 0 if there is none",
            ));
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
            if matches!(change.as_str(), "churned" | "churn_notice" | "saved")
                && !REASONS.contains(&reason.as_str())
            {
                let remedy = format!(
                    "use one of {}, or map your words onto them under `values`",
                    REASONS.join(", ")
                );
                return Err(Fault::field(
                    "reason",
                    &reason,
                    "it is none of the known words",
                    &remedy,
                ));
            }
            let key = if name == "mrr_changed" { "cause" } else { "reason" };
            properties.insert(key.to_owned(), reason.into());
        }
        if let Some(Value::Words(words)) = self.get("secondary_reasons") {
            properties.insert("secondary_reasons".to_owned(), words.clone().into());
        }
        let id = self.text("message_id").unwrap_or_else(|| {
            let of =
                subscription.map_or_else(|| format!("account/{account}"), |id| format!("subscription/{id}"));
            format!("{of}/{change}/{day}")
        });
        out.events.push(self.happened(context, id, name, *at, properties));
        Ok(())
    }

    pub(super) fn subscription_interval(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("subscription_id");
        let (Some(Value::Day(_, start)), Some(mrr)) = (self.get("start_on"), self.number("mrr")) else {
            return Ok(());
        };
        self.past(context, "start_on", *start)?;
        let mut properties = self.extras.clone();
        properties.insert("subscription_id".to_owned(), id.clone().into());
        properties.insert("mrr".to_owned(), number(mrr));
        properties.insert("currency".to_owned(), self.currency(context));
        out.events.push(self.happened(
            context,
            format!("subscription/{id}/started"),
            "subscription_started",
            *start,
            properties,
        ));
        let Some(Value::Day(day, end)) = self.get("end_on") else {
            return Ok(());
        };
        if end < start {
            return Err(Fault::field(
                "end_on",
                &day.to_string(),
                "it is before start_on",
                "correct one of the two",
            ));
        }
        // An end that is still to come is the end of a term, not of the subscription.
        if *end <= context.started_at {
            let mut properties = Map::new();
            properties.insert("subscription_id".to_owned(), id.clone().into());
            if let Some(reason) = self.text("reason") {
                properties.insert("reason".to_owned(), reason.into());
            }
            out.events.push(self.happened(
                context,
                format!("subscription/{id}/ended"),
                "churned",
                *end,
                properties,
            ));
        }
        Ok(())
    }

    pub(super) fn event(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let Some(at) = self.at("occurred_at") else {
            return Ok(());
        };
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

    pub(super) fn ticket(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("ticket_id");
        let Some(opened) = self.at("opened_at") else {
            return Ok(());
        };
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
                return Err(Fault::field(
                    field,
                    &shown(at),
                    "it is before opened_at",
                    "correct one of the two",
                ));
            }
            let mut properties = ticket();
            if field == "opened_at" {
                properties.append(&mut first);
            } else if let Some(priority) = self.text("priority") {
                properties.insert("priority".to_owned(), priority.into());
            }
            out.events
                .push(self.happened(context, format!("ticket/{id}/{step}"), name, at, properties));
        }
        if let Some(score) = self.number("satisfaction") {
            check_score("satisfaction", score, "csat")?;
            let mut properties = ticket();
            properties.insert("response_id".to_owned(), format!("ticket/{id}").into());
            properties.insert("survey".to_owned(), "csat".into());
            properties.insert("interaction".to_owned(), "support".into());
            properties.insert("score".to_owned(), number(score));
            let at = self.at("resolved_at").unwrap_or(opened);
            out.events.push(self.happened(
                context,
                format!("ticket/{id}/satisfaction"),
                "survey_answered",
                at,
                properties,
            ));
        }
        Ok(())
    }

    pub(super) fn opportunity(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
        let id = self.id("opportunity_id");
        let (Some(opened), Some(value)) = (self.at("opened_on"), self.number("value")) else {
            return Ok(());
        };
        self.past(context, "opened_on", opened)?;
        let mut properties = self.extras.clone();
        properties.insert("opportunity_id".to_owned(), id.clone().into());
        properties.insert("type".to_owned(), self.id("type").into());
        properties.insert("value".to_owned(), number(value));
        properties.insert("currency".to_owned(), self.currency(context));
        if let Some(stage) = self.text("stage") {
            properties.insert("stage".to_owned(), stage.into());
        }
        out.events.push(self.happened(
            context,
            format!("opportunity/{id}/opened"),
            "opportunity_opened",
            opened,
            properties.clone(),
        ));
        // Exports give open opportunities the day on which they are expected to close.
        let Some(outcome) = self.text("outcome") else {
            return Ok(());
        };
        let Some(closed) = self.at("closed_on") else {
            return Err(Fault::field(
                "closed_on",
                "",
                "it is missing, and the outcome is known",
                "give the day on which it closed",
            ));
        };
        self.past(context, "closed_on", closed)?;
        if closed < opened {
            return Err(Fault::field(
                "closed_on",
                &shown(closed),
                "it is before opened_on",
                "correct one of the two",
            ));
        }
        let name = if outcome == "won" {
            "opportunity_won"
        } else {
            "opportunity_lost"
        };
        out.events.push(self.happened(
            context,
            format!("opportunity/{id}/{outcome}"),
            name,
            closed,
            properties,
        ));
        Ok(())
    }

    pub(super) fn response(&self, context: &Context, out: &mut Facts) -> Result<(), Fault> {
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
            out.events.push(self.happened(
                context,
                format!("response/{id}/sent"),
                "survey_sent",
                sent,
                properties.clone(),
            ));
        }
        match (declined, answered, score) {
            (true, _, _) => {
                let Some(at) = answered.or(sent) else {
                    return Err(no_date());
                };
                out.events.push(self.happened(
                    context,
                    format!("response/{id}/declined"),
                    "survey_declined",
                    at,
                    properties,
                ));
            }
            (false, Some(at), Some(score)) => {
                self.past(context, "answered_at", at)?;
                if sent.is_some_and(|sent| at < sent) {
                    return Err(Fault::field(
                        "answered_at",
                        &shown(at),
                        "it is before sent_at",
                        "correct one of the two",
                    ));
                }
                check_score("score", score, &survey)?;
                properties.insert("score".to_owned(), number(score));
                if let Some(comment) = self.text("comment") {
                    properties.insert("comment".to_owned(), comment.into());
                }
                out.events.push(self.happened(
                    context,
                    format!("response/{id}/answered"),
                    "survey_answered",
                    at,
                    properties,
                ));
            }
            (false, None, Some(score)) => {
                let reason = "it is missing, and a score is given";
                return Err(Fault::field(
                    "answered_at",
                    &score.to_string(),
                    reason,
                    "give the time of the answer",
                ));
            }
            (false, Some(_), None) => {
                return Err(Fault::field(
                    "score",
                    "",
                    "it is missing, and answered_at is given",
                    "give the score, or say `declined`",
                ));
            }
            (false, None, None) if sent.is_none() => return Err(no_date()),
            (false, None, None) => {}
        }
        Ok(())
    }
}

fn no_date() -> Fault {
    Fault::field(
        "sent_at",
        "",
        "neither sent_at nor answered_at is given",
        "give at least one of them",
    )
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
    Err(Fault::field(
        field,
        &score.to_string(),
        format!("it is outside the scale of {survey}"),
        remedy,
    ))
}
