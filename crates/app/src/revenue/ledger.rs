//! The events that speak of leaving, in memory: read from each sealed file once, and from the unsealed tail whenever it grew.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use serde_json::Value as Json;
use tenure_lake::EventRow;

use super::rules::departures::{About, Says, Signal};
use super::store;
use crate::accounts::AccountNo;
use crate::metrics::facts::parse_day;
use crate::{App, events};

/// Signals by account, each account's in the order in which they happened.
pub type Signals = HashMap<i64, Vec<Signal>>;

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Ledger {
    files: Mutex<HashMap<String, Arc<Vec<Signal>>>>,
    /// The log's place, the number of files and what they and the tail held.
    built: Mutex<Option<(i64, usize, Arc<Signals>)>>,
    /// One reader at a time; the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

/// Everything that has been said of leaving so far.
///
/// # Errors
/// When the history cannot be read.
pub async fn signals(app: &App) -> Result<Arc<Signals>> {
    let _one = app.revenue.reading.lock().await;
    let newest = *events::watch(app).borrow();
    // The tail first: what is sealed meanwhile is then seen twice, which its id tells, and never missed.
    let tail = events::tail_since(app, 0);
    let snapshot = events::snapshot(app).await?;
    let files: Vec<_> = snapshot
        .files
        .iter()
        .filter(|file| file.class.may_hold("revenue"))
        .collect();
    if let Some((seq, count, held)) = &*app.revenue.built.lock()
        && *seq == newest
        && *count == files.len()
        && files
            .iter()
            .all(|file| app.revenue.files.lock().contains_key(&file.path))
    {
        return Ok(Arc::clone(held));
    }
    for file in &files {
        let known = app.revenue.files.lock().contains_key(&file.path);
        if !known {
            let rows = store::signals_of_file(app, file).await?;
            let read: Vec<Signal> = rows.iter().filter_map(signal).collect();
            app.revenue.files.lock().insert(file.path.clone(), Arc::new(read));
        }
    }
    let paths: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut seen = HashSet::new();
    let mut built = Signals::new();
    let mut add = |signal: &Signal| {
        if seen.insert(signal.message_id.clone()) {
            let mut signal = signal.clone();
            signal.account_no = app.accounts.root(AccountNo::new(signal.account_no)).get();
            built.entry(signal.account_no).or_default().push(signal);
        }
    };
    {
        let mut held = app.revenue.files.lock();
        held.retain(|path, _| paths.contains(path.as_str()));
        held.values().flat_map(|of| of.iter()).for_each(&mut add);
    }
    for (_, rows) in &tail {
        let fits = |row: &&EventRow| row.kind == "revenue" && row.account_no > 0;
        rows.iter()
            .filter(fits)
            .filter_map(signal)
            .for_each(|signal| add(&signal));
    }
    for list in built.values_mut() {
        list.sort_by(|a, b| (a.at, a.seq, &a.message_id).cmp(&(b.at, b.seq, &b.message_id)));
    }
    let built = Arc::new(built);
    *app.revenue.built.lock() = Some((newest, files.len(), Arc::clone(&built)));
    Ok(built)
}

/// What an event says of leaving; `None` = nothing.
fn signal(row: &EventRow) -> Option<Signal> {
    let said: Json = serde_json::from_str(&row.properties).unwrap_or_default();
    let text = |name: &str| {
        said.get(name)
            .and_then(Json::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let says = match row.name.as_str() {
        "churned" => Says::Churned,
        "churn_notice" => Says::Notice,
        "saved" => Says::Saved,
        "payment_failed" => Says::PaymentFailed,
        "churn_reason_recorded" => Says::Reason(match text("about").as_deref() {
            Some("notice") => About::Notice,
            _ => About::Cancellation,
        }),
        _ => return None,
    };
    let on = match says {
        Says::Reason(_) => text("on").as_deref().and_then(parse_day).unwrap_or(row.day),
        _ => row.day,
    };
    let version = match says {
        Says::Reason(_) => said.get("version").and_then(Json::as_i64).unwrap_or(1),
        _ => 0,
    };
    Some(Signal {
        account_no: row.account_no,
        says,
        day: row.day,
        at: row.occurred_at,
        seq: row.seq,
        message_id: row.message_id.clone(),
        on,
        version,
        reason: text("reason"),
        secondary: words(said.get("secondary_reasons")),
        competitor: text("competitor"),
        comment: text("comment"),
        author: text("author").filter(|_| row.source == SOURCE),
        source: row.source.clone(),
        received_at: row.received_at,
    })
}

/// The source of what people record here. Nobody else's events carry an author.
pub const SOURCE: &str = "tenure";

/// A list of words, or a text with `;` between them.
fn words(value: Option<&Json>) -> Vec<String> {
    let clean = |text: &str| {
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match value {
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).filter_map(clean).collect(),
        Some(Json::String(text)) => text.split(';').filter_map(clean).collect(),
        _ => Vec::new(),
    }
}
