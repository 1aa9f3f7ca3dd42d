//! The tables that SQL sees: accounts and their spans from the book, views over the events.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::Value as Json;
use tenure_lake::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, StringBuilder,
};
use tenure_lake::arrow::datatypes::{DataType, Field, Schema};
use tenure_lake::{Context, RecordBatch};

use super::book::Entry;
use super::facts::parse_day;
use crate::definitions::{AttributeType, Definitions};
use crate::{App, accounts, events};

/// Views over the events. Each is the fold of the events that carry its id.
const VIEWS: &[(&str, &str)] = &[
    (
        "tickets",
        "SELECT account_no, max(account_id) AS account_id, ticket_id, max(contact_id) AS contact_id, min(opened) AS opened_at, \
           CASE WHEN max(resolved) >= coalesce(max(reopened), min(opened), max(resolved)) THEN max(resolved) END AS resolved_at, \
           min(escalated) AS escalated_at, max(reopened) IS NOT NULL AS reopened, max(priority) AS priority, max(subject) AS subject, \
           CASE WHEN max(resolved) >= coalesce(max(reopened), min(opened), max(resolved)) THEN 'resolved' ELSE 'open' END AS status \
         FROM (SELECT account_no, account_id, contact_id, prop(properties, 'ticket_id') AS ticket_id, \
                 CASE WHEN name = 'ticket_opened' THEN occurred_at END AS opened, \
                 CASE WHEN name = 'ticket_resolved' THEN occurred_at END AS resolved, \
                 CASE WHEN name = 'ticket_reopened' THEN occurred_at END AS reopened, \
                 CASE WHEN name = 'ticket_escalated' THEN occurred_at END AS escalated, \
                 CASE WHEN name = 'ticket_opened' THEN prop(properties, 'priority') END AS priority, \
                 CASE WHEN name = 'ticket_opened' THEN prop(properties, 'subject') END AS subject \
               FROM events WHERE kind = 'support') AS t \
         WHERE ticket_id IS NOT NULL GROUP BY account_no, ticket_id",
    ),
    (
        "responses",
        "SELECT account_no, account_id, contact_id, coalesce(prop(properties, 'response_id'), message_id) AS response_id, \
           prop(properties, 'survey') AS survey, prop_num(properties, 'score') AS score, prop(properties, 'comment') AS comment, \
           prop(properties, 'interaction') AS interaction, occurred_at AS answered_at, day \
         FROM events WHERE kind = 'survey' AND name = 'survey_answered'",
    ),
    (
        "opportunities",
        "SELECT account_no, max(account_id) AS account_id, opportunity_id, max(type) AS type, \
           CASE WHEN max(won) IS NOT NULL THEN 'won' WHEN max(lost) IS NOT NULL THEN 'lost' ELSE last_value(stage ORDER BY occurred_at) END AS stage, \
           last_value(value ORDER BY CASE WHEN value IS NULL THEN 0 ELSE 1 END, occurred_at) AS value, max(currency) AS currency, \
           min(CASE WHEN name = 'opportunity_opened' THEN day END) AS opened_on, coalesce(max(won), max(lost)) AS closed_on, \
           CASE WHEN max(won) IS NOT NULL THEN 'won' WHEN max(lost) IS NOT NULL THEN 'lost' END AS outcome \
         FROM (SELECT account_no, account_id, name, day, occurred_at, prop(properties, 'opportunity_id') AS opportunity_id, \
                 prop(properties, 'type') AS type, prop(properties, 'stage') AS stage, prop_num(properties, 'value') AS value, \
                 prop(properties, 'currency') AS currency, CASE WHEN name = 'opportunity_won' THEN day END AS won, \
                 CASE WHEN name = 'opportunity_lost' THEN day END AS lost \
               FROM events WHERE kind = 'opportunity') AS o \
         WHERE opportunity_id IS NOT NULL GROUP BY account_no, opportunity_id",
    ),
    (
        "account_days",
        "SELECT d.day, s.account_no, s.account_id, s.active, s.segment, s.owner, s.mrr \
         FROM account_spans AS s JOIN days AS d ON d.day >= s.from_day AND d.day < s.to_day",
    ),
];

/// A query context over the present history with those of the tables that the texts mention.
///
/// # Errors
/// When a table cannot be built.
pub async fn context(app: &App, definitions: &Definitions, texts: &[&str]) -> Result<Context> {
    context_of(app, definitions, texts, &Fill::Whole(&app.metrics.book.all())).await
}

/// [`context`] over these accounts for texts that are known to hold together: columns that none of them can read are left out, because
/// of each there are as many values as accounts.
///
/// # Errors
/// When a table cannot be built.
pub async fn context_over(
    app: &App,
    definitions: &Definitions,
    texts: &[&str],
    entries: &[Arc<Entry>],
) -> Result<Context> {
    context_of(app, definitions, texts, &Fill::AsRead(entries)).await
}

/// Accounts up to which a context of some accounts reads only their events; of more, most of the history has to be read anyway.
const MOST_NARROWED: usize = 2_000;

/// [`context_over`] of some of the accounts, for texts that treat each by itself: events of others are left out where that is worth it.
///
/// # Errors
/// When a table cannot be built.
pub async fn context_of_some(
    app: &App,
    definitions: &Definitions,
    texts: &[&str],
    entries: &[Arc<Entry>],
) -> Result<Context> {
    context_of(app, definitions, texts, &Fill::Some(entries)).await
}

/// [`context`] with every column and no row, against which texts are checked.
///
/// # Errors
/// When a table cannot be built.
pub async fn shape(app: &App, definitions: &Definitions, texts: &[&str]) -> Result<Context> {
    context_of(app, definitions, texts, &Fill::Nothing).await
}

/// What the tables hold.
enum Fill<'a> {
    /// Everything of these accounts.
    Whole(&'a [Arc<Entry>]),
    /// Of these accounts what the texts can read.
    AsRead(&'a [Arc<Entry>]),
    /// The same of these accounts, which are not all, and of their events.
    Some(&'a [Arc<Entry>]),
    /// Nothing.
    Nothing,
}

/// The tables that people query, in the order in which they are explained, each with what it holds.
pub const TABLES: &[(&str, &str)] = &[
    (
        "accounts",
        "each account as it is now, with every attribute and metric",
    ),
    (
        "account_spans",
        "from which day to which day an account had its segment, owner and MRR",
    ),
    ("account_days", "account_spans by day: large, so choose days"),
    ("contacts", "the people of accounts"),
    (
        "subscriptions",
        "when each account's subscriptions began and ended",
    ),
    (
        "events",
        "everything that happened; prop(properties, 'name') reads a property, prop_num a number",
    ),
    ("tickets", "support tickets, folded from their events"),
    ("responses", "answers to surveys"),
    ("opportunities", "sales opportunities, folded from their events"),
    ("days", "every day from the first account to today"),
];

/// The columns of each of [`TABLES`], without reading what is in them.
///
/// # Errors
/// When a table cannot be built.
pub async fn columns(app: &App, definitions: &Definitions) -> Result<Vec<Vec<tenure_lake::Column>>> {
    let mut all = Vec::with_capacity(TABLES.len());
    for (name, _) in TABLES {
        let sql = format!("SELECT * FROM {name} LIMIT 0");
        let context = shape(app, definitions, &[&sql]).await?;
        // Our own words, which need not wait behind what readers ask.
        let empty = context.stream(&sql).await;
        let empty = empty.map_err(|error| anyhow!("table {name}: {}", error.message))?;
        all.push(tenure_lake::columns(&empty.schema()));
    }
    Ok(all)
}

async fn context_of(
    app: &App,
    definitions: &Definitions,
    texts: &[&str],
    fill: &Fill<'_>,
) -> Result<Context> {
    let context = app.lake.context(&events::snapshot(app).await?);
    let entries = match fill {
        Fill::Whole(entries) | Fill::AsRead(entries) | Fill::Some(entries) => *entries,
        Fill::Nothing => &[],
    };
    if let Fill::Some(entries) = fill
        && entries.len() <= MOST_NARROWED
    {
        let numbers: Vec<i64> = entries.iter().map(|entry| entry.no).collect();
        context.only_accounts(&numbers)?;
    }
    let column = |name: &str| match fill {
        Fill::AsRead(_) | Fill::Some(_) => texts.iter().any(|text| reads(text, name)),
        Fill::Whole(_) | Fill::Nothing => true,
    };
    let mut lower: Vec<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
    for (name, sql) in VIEWS {
        if lower.iter().any(|text| mentions(text, name)) {
            lower.push((*sql).to_owned());
        }
    }
    let wanted = |name: &str| lower.iter().any(|text| mentions(text, name));
    let add = |name: &str, batch: RecordBatch| context.add_table(name, batch.schema(), vec![batch]);
    if wanted("accounts") {
        add(
            "accounts",
            accounts_table(
                definitions,
                &app.metrics.plan().map_or_else(Vec::new, |p| p.metric_ids.clone()),
                entries,
                &column,
            )?,
        )?;
    }
    if wanted("account_spans") {
        add("account_spans", spans_table(entries)?)?;
    }
    if wanted("days") {
        // Of all accounts, whichever are looked at.
        let all = match fill {
            Fill::Some(_) => app.metrics.book.all(),
            _ => Vec::new(),
        };
        let first = entries
            .iter()
            .chain(&all)
            .filter_map(|e| e.head.spans.first().map(|s| s.from))
            .min()
            .unwrap_or(0);
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(first..=super::today(app)));
        add("days", RecordBatch::try_from_iter([("day", days)])?)?;
    }
    if wanted("subscriptions") {
        add("subscriptions", subscriptions_table(entries)?)?;
    }
    if wanted("contacts") {
        let rows = match fill {
            Fill::Nothing => Vec::new(),
            Fill::Whole(_) | Fill::AsRead(_) | Fill::Some(_) => accounts::all_contacts(&app.store).await?,
        };
        add("contacts", contacts_table(&rows)?)?;
    }
    for (name, sql) in VIEWS {
        if wanted(name) {
            context
                .add_view(name, sql)
                .await
                .map_err(|error| anyhow!("view {name}: {error}"))?;
        }
    }
    Ok(context)
}

/// Whether a query may read this column: it names it, or takes all columns of something.
#[must_use]
pub fn reads(sql: &str, column: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    let all = sql.match_indices('*').any(|(at, _)| {
        let before = sql[..at].trim_end();
        // `count(*)` and a product take no columns.
        before.ends_with('.')
            || before.ends_with("select")
            || before.ends_with("distinct")
            || before.ends_with(',')
    });
    all || mentions(&sql, column)
}

/// Whether a lower-case text holds the name as a word.
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(at, _)| {
        !inside(text[..at].chars().next_back()) && !inside(text[at + name.len()..].chars().next())
    })
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn accounts_table(
    definitions: &Definitions,
    metrics: &[String],
    entries: &[Arc<Entry>],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<RecordBatch> {
    let now: Vec<_> = entries.iter().map(|entry| entry.now()).collect();
    let lives: Vec<_> = entries
        .iter()
        .map(|entry| entry.head.lives().last().copied())
        .collect();
    let mut columns: Vec<(String, ArrayRef)> = vec![
        (
            "account_no".into(),
            Arc::new(Int64Array::from_iter_values(entries.iter().map(|e| e.no))),
        ),
        (
            "account_id".into(),
            texts(entries.iter().map(|e| Some(e.id.as_str()))),
        ),
        (
            "name".into(),
            texts(entries.iter().map(|e| Some(e.name.as_str()))),
        ),
        (
            "segment".into(),
            texts(now.iter().map(|s| s.map(|s| s.segment.as_str()))),
        ),
        ("owner".into(), texts(entries.iter().map(|e| e.owner.as_deref()))),
        (
            "active".into(),
            Arc::new(BooleanArray::from_iter(
                now.iter().map(|s| Some(s.is_some_and(|s| s.active))),
            )),
        ),
        (
            "started_on".into(),
            Arc::new(Date32Array::from_iter(lives.iter().map(|l| l.map(|l| l.0)))),
        ),
        (
            "churned_on".into(),
            Arc::new(Date32Array::from_iter(
                lives
                    .iter()
                    .zip(entries)
                    .map(|(l, e)| l.map(|l| l.1).filter(|end| *end <= e.head.day)),
            )),
        ),
        (
            "mrr".into(),
            Arc::new(Float64Array::from_iter(now.iter().map(|s| s.and_then(|s| s.mrr)))),
        ),
        (
            "currency".into(),
            texts(entries.iter().map(|e| e.head.currency.as_deref())),
        ),
        (
            "quality_flags".into(),
            Arc::new(Int64Array::from_iter_values(
                entries.iter().map(|e| e.head.flags.len() as i64),
            )),
        ),
    ];
    for attribute in definitions.attributes.iter().filter(|it| wanted(&it.id)) {
        let values: Vec<Option<&Json>> = entries
            .iter()
            .map(|e| e.attributes.get(&attribute.id).filter(|v| !v.is_null()))
            .collect();
        columns.push((attribute.id.clone(), attribute_column(attribute.kind, &values)));
    }
    for (at, metric) in metrics.iter().enumerate().filter(|(_, id)| wanted(id)) {
        let values = entries
            .iter()
            .map(|e| e.head.metrics.get(at).copied().filter(|v| !v.is_nan()));
        columns.push((metric.clone(), Arc::new(Float64Array::from_iter(values))));
    }
    let mut seen = std::collections::HashSet::new();
    columns.retain(|(name, _)| seen.insert(name.clone()));
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )?)
}

/// An attribute's values as a column of its type; what does not fit the type is null.
#[must_use]
pub fn attribute_column(kind: AttributeType, values: &[Option<&Json>]) -> ArrayRef {
    let number = |v: &Json| v.as_f64().or_else(|| v.as_str()?.trim().parse().ok());
    match kind {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole numbers within 2^53, checked on the way in"
        )]
        AttributeType::Integer => {
            Arc::new(Int64Array::from_iter(values.iter().map(|v| {
                v.and_then(|v| v.as_i64().or_else(|| number(v).map(|n| n as i64)))
            })))
        }
        AttributeType::Number | AttributeType::Money => {
            Arc::new(Float64Array::from_iter(values.iter().map(|v| v.and_then(number))))
        }
        AttributeType::Boolean => Arc::new(BooleanArray::from_iter(
            values.iter().map(|v| v.and_then(Json::as_bool)),
        )),
        AttributeType::Date => Arc::new(Date32Array::from_iter(
            values
                .iter()
                .map(|v| v.and_then(Json::as_str).and_then(parse_day)),
        )),
        AttributeType::Text => {
            let mut text = StringBuilder::new();
            for value in values {
                text.append_option(value.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)));
            }
            Arc::new(text.finish())
        }
    }
}

fn spans_table(entries: &[Arc<Entry>]) -> Result<RecordBatch> {
    let rows: Vec<(&Entry, &super::Span)> = entries
        .iter()
        .flat_map(|e| e.head.spans.iter().map(move |s| (e.as_ref(), s)))
        .collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        (
            "account_no",
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(e, _)| e.no))),
            false,
        ),
        (
            "account_id",
            texts(rows.iter().map(|(e, _)| Some(e.id.as_str()))),
            false,
        ),
        (
            "from_day",
            Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, s)| s.from))),
            false,
        ),
        // The last day that a DATE of every engine can hold stands for "still".
        (
            "to_day",
            Arc::new(Date32Array::from_iter_values(
                rows.iter().map(|(_, s)| s.to.min(2_932_896)),
            )),
            false,
        ),
        (
            "active",
            Arc::new(BooleanArray::from_iter(rows.iter().map(|(_, s)| Some(s.active)))),
            false,
        ),
        (
            "mrr",
            Arc::new(Float64Array::from_iter(rows.iter().map(|(_, s)| s.mrr))),
            true,
        ),
        (
            "segment",
            texts(rows.iter().map(|(_, s)| Some(s.segment.as_str()))),
            false,
        ),
        ("owner", texts(rows.iter().map(|(_, s)| s.owner.as_deref())), true),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn subscriptions_table(entries: &[Arc<Entry>]) -> Result<RecordBatch> {
    let rows: Vec<_> = entries
        .iter()
        .flat_map(|e| e.head.subscriptions.iter().map(move |s| (e.as_ref(), s)))
        .collect();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        (
            "account_no",
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(e, _)| e.no))),
            false,
        ),
        (
            "account_id",
            texts(rows.iter().map(|(e, _)| Some(e.id.as_str()))),
            false,
        ),
        (
            "subscription_id",
            texts(rows.iter().map(|(_, s)| Some(s.subscription.as_str()))),
            false,
        ),
        (
            "from_day",
            Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, s)| s.from))),
            false,
        ),
        (
            "to_day",
            Arc::new(Date32Array::from_iter(rows.iter().map(|(_, s)| s.to))),
            true,
        ),
        (
            "mrr",
            Arc::new(Float64Array::from_iter(rows.iter().map(|(_, s)| s.mrr))),
            true,
        ),
        (
            "currency",
            texts(rows.iter().map(|(_, s)| s.currency.as_deref())),
            true,
        ),
        (
            "reason",
            texts(rows.iter().map(|(_, s)| s.reason.as_deref())),
            true,
        ),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn contacts_table(rows: &[accounts::ContactRow]) -> Result<RecordBatch> {
    let field = |name: &str, null: bool| Field::new(name, DataType::Utf8, null);
    let schema = Schema::new(vec![
        field("contact_id", false),
        field("account_id", true),
        field("email", true),
        field("name", true),
        field("title", true),
        field("role", true),
    ]);
    let columns = vec![
        texts(rows.iter().map(|r| Some(r.contact_id.as_str()))),
        texts(rows.iter().map(|r| r.account_id.as_deref())),
        texts(rows.iter().map(|r| r.email.as_deref())),
        texts(rows.iter().map(|r| r.name.as_deref())),
        texts(rows.iter().map(|r| r.title.as_deref())),
        texts(rows.iter().map(|r| r.role.as_deref())),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

#[cfg(test)]
mod tests {
    use super::{mentions, reads};

    #[test]
    fn columns_are_left_out_only_when_nothing_can_read_them() {
        assert!(reads("SELECT c.Owner FROM cohort c", "owner"));
        assert!(reads("SELECT c.* FROM cohort c", "owner"));
        assert!(reads("SELECT * FROM cohort", "owner"));
        assert!(reads("SELECT 1, * FROM cohort", "owner"));
        assert!(!reads("SELECT count(*), 12 * mrr_end FROM cohort", "owner"));
    }

    #[test]
    fn names_are_whole_words() {
        assert!(mentions("select * from accounts a", "accounts"));
        assert!(mentions("accounts", "accounts"));
        assert!(!mentions("select * from account_days", "days"));
        assert!(!mentions("my_accounts", "accounts"));
    }
}
