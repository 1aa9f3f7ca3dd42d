//! Hand-overs: what a change of owner, or of segment away from the owner, asks to be done.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::settings::OwnerSettings;
use super::store;
use crate::App;
use crate::accounts::AccountNo;
use crate::events::{Event, Kind};
use crate::metrics::facts::date_of;
use crate::metrics::{as_of, today};

pub(super) use store::Of;

/// An item of a hand-over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HandoverItem {
    /// Its place, from 1.
    pub no: i64,
    /// What is to be done.
    pub title: String,
    /// Until when.
    pub due_on: String,
    /// Whether that day has passed while it is not done.
    pub overdue: bool,
    /// When it was ticked.
    pub done_at: Option<String>,
    /// By whom: `user:ID`, `key:ID` or `operator`.
    pub done_by: Option<String>,
}

/// The checklist of one change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Handover)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The account.
    pub account_id: String,
    /// Its name.
    pub account_name: String,
    /// `owner` = the owner changed; `segment` = the segment changed to one that the owner does not serve.
    pub cause: String,
    /// Who had the account.
    pub from: Option<String>,
    /// Who has it.
    pub to: Option<String>,
    /// When it began.
    pub started_at: String,
    /// When the last item was done, or it was given up.
    pub closed_at: Option<String>,
    /// `done`, or `taken_back` when the change was.
    pub closed_as: Option<String>,
    /// What is to be done.
    pub items: Vec<HandoverItem>,
}

/// Hand-overs of an account, the open ones first.
///
/// # Errors
/// When the records fail.
pub async fn of_account(app: &App, account_no: i64, limit: i64) -> Result<Vec<Line>> {
    list(app, Of::Account(account_no), limit).await
}

/// Hand-overs as they are shown.
pub(super) async fn list(app: &App, of: Of<'_>, limit: i64) -> Result<Vec<Line>> {
    let day = i64::from(today(app));
    let found = store::handovers(&app.store, of, limit).await?;
    Ok(found
        .into_iter()
        .filter_map(|(it, items)| {
            let entry = app
                .metrics
                .book
                .get(app.accounts.root(AccountNo::new(it.account_no)).get())?;
            Some(shape(it, items, &entry.id, &entry.name, day))
        })
        .collect())
}

/// A hand-over as it is shown.
pub(super) fn shape(it: store::Handover, items: Vec<store::Item>, id: &str, name: &str, day: i64) -> Line {
    let open = it.closed_at.is_none();
    let item = |item: store::Item| HandoverItem {
        no: item.no,
        title: item.title,
        due_on: date_of(i32::try_from(item.due_day).unwrap_or(i32::MAX)).to_string(),
        overdue: open && item.done_at.is_none() && item.due_day < day,
        done_at: item.done_at.map(as_of::instant),
        done_by: item.done_by,
    };
    Line {
        id: it.id,
        account_id: id.to_owned(),
        account_name: name.to_owned(),
        cause: it.cause,
        from: it.from,
        to: it.to,
        started_at: as_of::instant(it.started_at),
        closed_at: it.closed_at.map(as_of::instant),
        closed_as: it.closed_as,
        items: items.into_iter().map(item).collect(),
    }
}

/// What starts a hand-over.
pub(super) struct Start {
    /// Made of the edge's place, so that doing it twice is doing it once.
    pub id: String,
    pub account_no: i64,
    pub account_id: String,
    pub cause: &'static str,
    pub from: Option<String>,
    pub to: Option<String>,
    pub at: i64,
}

/// Starts a hand-over, or closes the one that this change takes back. Gives the event that tells of it.
pub(super) async fn start(app: &App, settings: &OwnerSettings, start: Start) -> Result<Option<Event>> {
    let day = i64::from(today(app));
    let tx = app.store.begin().await?;
    if start.cause == "owner" {
        let known = store::handovers(&tx, Of::Account(start.account_no), 5).await?;
        let untouched = known.iter().find(|(it, items)| {
            it.closed_at.is_none()
                && it.id != start.id
                && it.cause == "owner"
                && it.from == start.to
                && it.to == start.from
                && items.iter().all(|item| item.done_at.is_none())
        });
        if let Some((back, _)) = untouched {
            store::close_handover(&tx, &back.id, Some((start.at, "taken_back"))).await?;
            tx.commit().await?;
            return Ok(None);
        }
        // What waited for an owner who serves the segment is answered by a new one.
        for (it, _) in known
            .iter()
            .filter(|(it, _)| it.closed_at.is_none() && it.cause == "segment")
        {
            store::close_handover(&tx, &it.id, Some((start.at, "done"))).await?;
        }
    }
    let mut items: Vec<(String, i64)> = settings
        .checklist
        .iter()
        .map(|item| (item.title.clone(), day + i64::from(item.due_days)))
        .collect();
    if start.cause == "segment" {
        items.insert(
            0,
            ("Choose an owner who serves the new segment".to_owned(), day + 3),
        );
    }
    if items.is_empty() {
        return Ok(None);
    }
    let it = store::Handover {
        id: start.id,
        account_no: start.account_no,
        cause: start.cause.to_owned(),
        from: start.from,
        to: start.to,
        started_at: start.at,
        closed_at: None,
        closed_as: None,
    };
    let fresh = store::put_handover(&tx, &it, &items).await?;
    tx.commit().await?;
    let title = match start.cause {
        "segment" => "Hand-over: the segment changed",
        _ => "Hand-over: the owner changed",
    };
    let properties =
        json!({ "title": title, "handover": it.id, "from": it.from, "to": it.to, "items": items.len() });
    Ok(fresh.then(|| {
        told(
            start.account_id,
            "task_created",
            format!("tenure/handover/{}", it.id),
            start.at,
            properties,
        )
    }))
}

/// An event of work.
pub(super) fn told(
    account: String,
    name: &str,
    message_id: String,
    at: i64,
    properties: serde_json::Value,
) -> Event {
    Event {
        message_id,
        account: Some(account),
        contact: None,
        name: name.to_owned(),
        kind: Kind::Work,
        occurred_at: at,
        received_at: at,
        source: "tenure".to_owned(),
        properties: match properties {
            serde_json::Value::Object(map) => map,
            _ => Map::new(),
        },
    }
}
