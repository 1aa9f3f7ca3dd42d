//! Tickets, as the support events of an account tell them. No I/O.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use tenure_lake::EventRow;
use utoipa::ToSchema;

use crate::metrics::as_of;

/// A ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = TicketLine)]
pub struct Ticket {
    /// Its id.
    pub ticket_id: String,
    /// What it is about.
    pub subject: Option<String>,
    /// As its source says.
    pub priority: Option<String>,
    /// open, escalated or resolved.
    pub state: &'static str,
    /// When it was opened; null where only later events of it are known.
    pub opened_at: Option<String>,
    /// When it was escalated last.
    pub escalated_at: Option<String>,
    /// When it was resolved last; null while it is open.
    pub resolved_at: Option<String>,
    /// How often it was opened again.
    pub reopened: u32,
    /// Hours from its opening to its last resolution (DEFINITIONS §3).
    pub hours: Option<f64>,
    /// Who opened it.
    pub contact_id: Option<String>,
}

/// Tickets made of events, the one opened last first.
pub(super) fn fold(mut rows: Vec<EventRow>) -> Vec<Ticket> {
    rows.sort_by(|a, b| (a.occurred_at, &a.message_id).cmp(&(b.occurred_at, &b.message_id)));
    let mut tickets: BTreeMap<String, (i64, Option<i64>, Ticket)> = BTreeMap::new();
    for row in rows {
        let properties: Map<String, Json> = serde_json::from_str(&row.properties).unwrap_or_default();
        let text = |key: &str| match properties.get(key) {
            Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Json::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let Some(id) = text("ticket_id") else { continue };
        let (first, opened, ticket) = tickets.entry(id.clone()).or_insert_with(|| {
            let ticket = Ticket {
                ticket_id: id,
                state: "open",
                ..Ticket::default()
            };
            (row.occurred_at, None, ticket)
        });
        *first = (*first).min(row.occurred_at);
        ticket.subject = text("subject").or(ticket.subject.take());
        ticket.priority = text("priority").or(ticket.priority.take());
        let at = as_of::instant(row.occurred_at);
        match row.name.as_str() {
            "ticket_opened" => {
                *opened = Some(row.occurred_at);
                ticket.opened_at = Some(at);
                ticket.contact_id = row.contact_id;
            }
            "ticket_escalated" => {
                ticket.escalated_at = Some(at);
                if ticket.state == "open" {
                    ticket.state = "escalated";
                }
            }
            "ticket_resolved" => {
                #[expect(clippy::cast_precision_loss, reason = "hours, far below the limit")]
                let hours = opened.map(|opened| (row.occurred_at - opened) as f64 / 3.6e9);
                ticket.hours = hours;
                ticket.resolved_at = Some(at);
                ticket.state = "resolved";
            }
            "ticket_reopened" => {
                ticket.reopened += 1;
                ticket.resolved_at = None;
                ticket.hours = None;
                ticket.state = "open";
            }
            _ => {}
        }
    }
    let mut found: Vec<(i64, Ticket)> = tickets
        .into_values()
        .map(|(first, opened, ticket)| (opened.unwrap_or(first), ticket))
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.ticket_id.cmp(&b.1.ticket_id)));
    found.into_iter().map(|(_, ticket)| ticket).collect()
}
