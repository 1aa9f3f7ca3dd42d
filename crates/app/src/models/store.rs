//! SQL of the slice, of the history and of the records.

use std::collections::HashMap;

use tenure_lake::arrow::array::{Array, AsArray};
use tenure_lake::arrow::compute::cast;
use tenure_lake::arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, args};

use super::outcome::{EventDays, Outcome, What};
use super::report::Report;
use super::train::Trained;
use crate::metrics::facts::date_of;
use crate::{App, events};

/// The newest day on which something happened to an account, up to `last`: what is dated later is a mistake or a plan.
pub(super) async fn newest_event_day(app: &App, last: i32) -> anyhow::Result<Option<i32>> {
    // Nearly always something happened lately, and only the newest files are read.
    for earliest in [last.saturating_sub(LATELY), i32::MIN] {
        let mut sql = format!(
            "SELECT max(day) AS day FROM events WHERE account_no > 0 AND day <= DATE '{}'",
            date_of(last)
        );
        if earliest > i32::MIN {
            sql.push_str(&format!(" AND day > DATE '{}'", date_of(earliest)));
        }
        let found = one_day(app, &sql).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// So many days are looked at before all of the history is.
const LATELY: i32 = 31;

/// The first day on which an event of one of these names happened.
pub(super) async fn first_event_day(app: &App, names: &[String]) -> anyhow::Result<Option<i32>> {
    if names.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT min(day) AS day FROM events WHERE account_no > 0 AND name IN ({})",
        quoted(names)
    );
    one_day(app, &sql).await
}

/// The day in the one cell of a query's answer.
async fn one_day(app: &App, sql: &str) -> anyhow::Result<Option<i32>> {
    let batches = events::read(app, sql).await?;
    let held = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(held.and_then(|batch| {
        let days = batch.column(0).as_primitive::<Date32Type>();
        days.is_valid(0).then(|| days.value(0))
    }))
}

/// The days on which events of these names happened, by account.
pub(super) async fn event_days(app: &App, names: &[String]) -> anyhow::Result<EventDays> {
    let mut days = EventDays::new();
    if names.is_empty() {
        return Ok(days);
    }
    let sql = format!(
        "SELECT DISTINCT account_no, day FROM events WHERE account_no > 0 AND name IN ({})",
        quoted(names)
    );
    for batch in events::read(app, &sql).await? {
        let no = batch.column(0).as_primitive::<Int64Type>();
        let day = batch.column(1).as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            days.entry(no.value(row)).or_default().push(day.value(row));
        }
    }
    days.values_mut().for_each(|of| of.sort_unstable());
    Ok(days)
}

/// Texts as a list in a query.
fn quoted(texts: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = texts
        .iter()
        .map(|text| format!("'{}'", text.as_ref().replace('\'', "''")))
        .collect();
    quoted.join(", ")
}

/// By account and day, the instant at which the first event arrived that makes the outcome on that day.
pub(super) async fn told(app: &App, outcome: &Outcome) -> anyhow::Result<HashMap<(i64, i32), i64>> {
    let names: Vec<&str> = match &outcome.what {
        What::Churned => vec!["churned"],
        What::Contracted => vec!["churned", "mrr_changed"],
        What::Happens(names) => names.iter().map(String::as_str).collect(),
        // That nothing happened nobody tells, and segments follow from all that is known.
        What::Ceases(_) | What::Reaches(_) => Vec::new(),
    };
    let mut told = HashMap::new();
    if names.is_empty() {
        return Ok(told);
    }
    // What ends and changes subscriptions is of one kind, of which few files hold anything.
    let kind = match &outcome.what {
        What::Churned | What::Contracted => " AND kind = 'revenue'",
        _ => "",
    };
    let sql = format!(
        "SELECT account_no, day, min(received_at) AS told FROM events WHERE account_no > 0{kind} AND name IN ({}) GROUP BY 1, 2",
        quoted(&names)
    );
    for batch in events::read(app, &sql).await? {
        let no = batch.column(0).as_primitive::<Int64Type>();
        let day = batch.column(1).as_primitive::<Date32Type>();
        let at = cast(batch.column(2), &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let at = at.as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            told.insert((no.value(row), day.value(row)), at.value(row));
        }
    }
    Ok(told)
}

/// A back-test as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Backtest {
    /// Its id.
    pub id: String,
    /// The score; empty = an outcome that no score tells.
    pub score: String,
    /// The outcome.
    pub outcome: String,
    /// What was asked, as JSON.
    pub params: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// When it was started, UTC microseconds.
    pub created_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Who started it.
    pub author: String,
    /// The report as JSON.
    pub result: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

const BACKTEST: &str =
    "SELECT id, score, outcome, params, state, created_at, finished_at, author, result, error FROM backtests";

fn backtest_of(row: &Row) -> StoreResult<Backtest> {
    Ok(Backtest {
        id: row.get("id")?,
        score: row.get("score")?,
        outcome: row.get("outcome")?,
        params: row.get("params")?,
        state: row.get("state")?,
        created_at: row.get("created_at")?,
        finished_at: row.get("finished_at")?,
        author: row.get("author")?,
        result: row.get("result")?,
        error: row.get("error")?,
    })
}

/// Keeps a back-test that begins.
pub(super) async fn add_backtest(tx: &Tx, it: &Backtest) -> StoreResult<()> {
    let mut batch = Batch::new(
        "backtests",
        &[
            "id",
            "score",
            "outcome",
            "params",
            "state",
            "created_at",
            "author",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.score.as_str(),
        it.outcome.as_str(),
        it.params.as_str(),
        it.state.as_str(),
        it.created_at,
        it.author.as_str()
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Keeps what a back-test found, or why it failed.
pub(super) async fn finish_backtest(app: &App, id: &str, found: Result<&Report, &str>) -> anyhow::Result<()> {
    let (state, result, error) = match found {
        Ok(report) => ("done", Some(serde_json::to_string(report)?), None),
        Err(error) => ("failed", None, Some(error.to_owned())),
    };
    let tx = app.store.begin().await?;
    tx.run(
        "UPDATE backtests SET state = $1, result = $2, error = $3, finished_at = $4 WHERE id = $5",
        args![state, result, error, app.clock.micros(), id],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The back-tests of a score (or of an outcome that no score tells), newest first.
pub(super) async fn backtests(app: &App, score: &str, limit: i64) -> StoreResult<Vec<Backtest>> {
    app.store
        .all(
            &format!("{BACKTEST} WHERE score = $1 OR (score = '' AND outcome = $1) ORDER BY created_at DESC, id DESC LIMIT $2"),
            args![score, limit],
        )
        .await?
        .iter()
        .map(backtest_of)
        .collect()
}

/// The back-test with this id.
pub(super) async fn backtest(app: &App, id: &str) -> StoreResult<Option<Backtest>> {
    app.store
        .one(&format!("{BACKTEST} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(backtest_of)
        .transpose()
}

/// A training as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The outcome.
    pub outcome: String,
    /// The score that its points may become; empty = none.
    pub score: String,
    /// `transparent` or `boosting`.
    pub method: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// The newest cutoff that it was trained on.
    pub day: i32,
    /// Rows.
    pub rows: i64,
    /// Rows with the outcome.
    pub positives: i64,
    /// The model as JSON; empty while it is not done.
    pub body: String,
    /// The back-test beside it.
    pub backtest_id: String,
    /// When it was started, UTC microseconds.
    pub created_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Who started it.
    pub author: String,
    /// What they said of it.
    pub note: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was put in force; `None` = it is not in force.
    pub promoted_at: Option<i64>,
    /// Who put it in force.
    pub promoted_by: Option<String>,
    /// Counts changes of whether it is in force.
    pub version: i64,
}

const RUN: &str = "SELECT id, outcome, score, method, state, day, row_count, positives, body, backtest_id, created_at, finished_at, author, note, \
                   error, promoted_at, promoted_by, version FROM model_runs";

fn run_of(row: &Row) -> StoreResult<Run> {
    Ok(Run {
        id: row.get("id")?,
        outcome: row.get("outcome")?,
        score: row.get("score")?,
        method: row.get("method")?,
        state: row.get("state")?,
        day: i32::try_from(row.get::<i64>("day")?).unwrap_or(0),
        rows: row.get("row_count")?,
        positives: row.get("positives")?,
        body: row.get("body")?,
        backtest_id: row.get("backtest_id")?,
        created_at: row.get("created_at")?,
        finished_at: row.get("finished_at")?,
        author: row.get("author")?,
        note: row.get("note")?,
        error: row.get("error")?,
        promoted_at: row.get("promoted_at")?,
        promoted_by: row.get("promoted_by")?,
        version: row.get("version")?,
    })
}

/// Keeps a training that begins.
pub(super) async fn add_run(tx: &Tx, it: &Run) -> StoreResult<()> {
    let mut batch = Batch::new(
        "model_runs",
        &[
            "id",
            "outcome",
            "score",
            "method",
            "state",
            "day",
            "row_count",
            "positives",
            "body",
            "backtest_id",
            "created_at",
            "author",
            "note",
            "version",
        ],
    );
    batch.row(args![
        it.id.as_str(),
        it.outcome.as_str(),
        it.score.as_str(),
        it.method.as_str(),
        it.state.as_str(),
        i64::from(it.day),
        it.rows,
        it.positives,
        it.body.as_str(),
        it.backtest_id.as_str(),
        it.created_at,
        it.author.as_str(),
        it.note.as_str(),
        it.version
    ]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// Keeps a trained model.
pub(super) async fn finish_run(app: &App, run: &Run, trained: &Trained) -> anyhow::Result<()> {
    let body = serde_json::to_string(&trained.body)?;
    let tx = app.store.begin().await?;
    tx.run(
        "UPDATE model_runs SET state = 'done', body = $1, day = $2, row_count = $3, positives = $4, finished_at = $5 WHERE id = $6",
        args![
            body,
            i64::from(trained.day),
            i64::try_from(trained.rows)?,
            i64::try_from(trained.positives)?,
            app.clock.micros(),
            run.id.as_str()
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps why a training failed.
pub(super) async fn fail_run(app: &App, id: &str, error: &str) -> anyhow::Result<()> {
    let tx = app.store.begin().await?;
    tx.run(
        "UPDATE model_runs SET state = 'failed', error = $1, finished_at = $2 WHERE id = $3",
        args![error, app.clock.micros(), id],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Trainings, newest first; of one outcome when it is named.
pub(super) async fn runs(app: &App, outcome: Option<&str>) -> StoreResult<Vec<Run>> {
    app.store
        .all(
            &format!("{RUN} WHERE $1 = '' OR outcome = $1 ORDER BY created_at DESC, id DESC LIMIT 200"),
            args![outcome.unwrap_or_default()],
        )
        .await?
        .iter()
        .map(run_of)
        .collect()
}

/// The training with this id.
pub(super) async fn run(on: &impl Execute, id: &str) -> StoreResult<Option<Run>> {
    on.one(&format!("{RUN} WHERE id = $1"), args![id])
        .await?
        .as_ref()
        .map(run_of)
        .transpose()
}

/// Puts a training in force, or takes it out; false when somebody else was first.
pub(super) async fn set_force(tx: &Tx, it: &Run, force: Option<(i64, &str)>) -> StoreResult<bool> {
    if force.is_some() {
        tx.run(
            "UPDATE model_runs SET promoted_at = NULL, promoted_by = NULL, version = version + 1 WHERE outcome = $1 AND promoted_at IS NOT NULL \
             AND id <> $2",
            args![it.outcome.as_str(), it.id.as_str()],
        )
        .await?;
    }
    let (at, by) = force.map_or((None, None), |(at, by)| (Some(at), Some(by.to_owned())));
    let sql = "UPDATE model_runs SET promoted_at = $1, promoted_by = $2, version = version + 1 WHERE id = $3 AND version = $4";
    Ok(tx.run(sql, args![at, by, it.id.as_str(), it.version]).await? == 1)
}

/// Notes which kept form of a score's model a training became, and which was in force before.
pub(super) async fn note_form(
    tx: &Tx,
    run: &str,
    model: &str,
    kept: &str,
    before: Option<&str>,
) -> StoreResult<()> {
    tx.run(
        "DELETE FROM model_forms WHERE run_id = $1 AND model = $2",
        args![run, model],
    )
    .await?;
    let mut batch = Batch::new("model_forms", &["run_id", "model", "kept_id", "before_id"]);
    batch.row(args![run, model, kept, before.map(str::to_owned)]);
    tx.insert(batch, Conflict::Fail).await?;
    Ok(())
}

/// The forms of a training: the score's model, the kept form, the one in force before.
pub(super) async fn forms(
    on: &impl Execute,
    run: &str,
) -> StoreResult<Vec<(String, String, Option<String>)>> {
    on.all(
        "SELECT model, kept_id, before_id FROM model_forms WHERE run_id = $1 ORDER BY model",
        args![run],
    )
    .await?
    .iter()
    .map(|row| Ok((row.get("model")?, row.get("kept_id")?, row.get("before_id")?)))
    .collect()
}

/// One account's prediction of a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The account.
    pub account_no: i64,
    /// Probability of the outcome.
    pub probability: f64,
    /// Its MRR then.
    pub mrr: Option<f64>,
    /// Whether the outcome came; `None` = not known yet.
    pub happened: Option<bool>,
}

/// The predictions of a model for a month end.
#[derive(Clone, Debug, PartialEq)]
pub struct Month {
    /// The outcome.
    pub outcome: String,
    /// The model.
    pub run_id: String,
    /// The month end.
    pub day: i32,
    /// When they were made, UTC microseconds.
    pub made_at: i64,
    /// Drift by measure, as JSON.
    pub drift: String,
    /// When they were held against what happened.
    pub checked_at: Option<i64>,
    /// What they were worth, as JSON.
    pub accuracy: Option<String>,
    /// What is the matter.
    pub alarm: Option<String>,
}

const MONTH: &str =
    "SELECT outcome, run_id, day, made_at, drift, checked_at, accuracy, alarm FROM prediction_months";

fn month_of(row: &Row) -> StoreResult<Month> {
    Ok(Month {
        outcome: row.get("outcome")?,
        run_id: row.get("run_id")?,
        day: i32::try_from(row.get::<i64>("day")?).unwrap_or(0),
        made_at: row.get("made_at")?,
        drift: row.get("drift")?,
        checked_at: row.get("checked_at")?,
        accuracy: row.get("accuracy")?,
        alarm: row.get("alarm")?,
    })
}

/// Whether a model's predictions of a month end are kept.
pub(super) async fn has_month(app: &App, outcome: &str, run: &str, day: i32) -> StoreResult<bool> {
    let sql = format!("{MONTH} WHERE outcome = $1 AND run_id = $2 AND day = $3");
    Ok(app
        .store
        .one(&sql, args![outcome, run, i64::from(day)])
        .await?
        .is_some())
}

/// Keeps a model's predictions of a month end.
pub(super) async fn keep_month(app: &App, it: &Month, rows: &[Prediction]) -> anyhow::Result<()> {
    let tx = app.store.begin().await?;
    let mut months = Batch::new(
        "prediction_months",
        &["outcome", "run_id", "day", "made_at", "drift"],
    );
    months.row(args![
        it.outcome.as_str(),
        it.run_id.as_str(),
        i64::from(it.day),
        it.made_at,
        it.drift.as_str()
    ]);
    tx.insert(months, Conflict::Fail).await?;
    for chunk in rows.chunks(1_000) {
        let mut batch = Batch::new(
            "predictions",
            &["outcome", "run_id", "day", "account_no", "probability", "mrr"],
        );
        for row in chunk {
            batch.row(args![
                it.outcome.as_str(),
                it.run_id.as_str(),
                i64::from(it.day),
                row.account_no,
                row.probability,
                row.mrr
            ]);
        }
        tx.insert(batch, Conflict::Fail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The months that are not yet held against what happened.
pub(super) async fn unchecked(app: &App) -> StoreResult<Vec<Month>> {
    app.store
        .all(&format!("{MONTH} WHERE checked_at IS NULL ORDER BY day"), vec![])
        .await?
        .iter()
        .map(month_of)
        .collect()
}

/// The predictions of a model for a month end.
pub(super) async fn predictions(
    app: &App,
    outcome: &str,
    run: &str,
    day: i32,
) -> StoreResult<Vec<Prediction>> {
    app.store
        .all(
            "SELECT account_no, probability, mrr, happened FROM predictions WHERE outcome = $1 AND run_id = $2 AND day = $3 ORDER BY account_no",
            args![outcome, run, i64::from(day)],
        )
        .await?
        .iter()
        .map(|row| {
            Ok(Prediction {
                account_no: row.get("account_no")?,
                probability: row.get("probability")?,
                mrr: row.get("mrr")?,
                happened: row.get::<Option<i64>>("happened")?.map(|came| came == 1),
            })
        })
        .collect()
}

/// Keeps what happened, and what the predictions were worth.
pub(super) async fn check_month(app: &App, it: &Month, rows: &[Prediction]) -> anyhow::Result<()> {
    let tx = app.store.begin().await?;
    for row in rows {
        let Some(happened) = row.happened else { continue };
        tx.run(
            "UPDATE predictions SET happened = $1 WHERE outcome = $2 AND run_id = $3 AND day = $4 AND account_no = $5",
            args![
                i64::from(happened),
                it.outcome.as_str(),
                it.run_id.as_str(),
                i64::from(it.day),
                row.account_no
            ],
        )
        .await?;
    }
    tx.run(
        "UPDATE prediction_months SET checked_at = $1, accuracy = $2, alarm = $3 WHERE outcome = $4 AND run_id = $5 AND day = $6",
        args![
            it.checked_at,
            it.accuracy.clone(),
            it.alarm.clone(),
            it.outcome.as_str(),
            it.run_id.as_str(),
            i64::from(it.day)
        ],
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The months of an outcome, newest first.
pub(super) async fn months(app: &App, outcome: &str) -> StoreResult<Vec<Month>> {
    app.store
        .all(
            &format!("{MONTH} WHERE outcome = $1 ORDER BY day DESC, made_at DESC LIMIT 60"),
            args![outcome],
        )
        .await?
        .iter()
        .map(month_of)
        .collect()
}

/// The months whose alarm was raised since an instant.
pub(super) async fn alarms(app: &App, since: i64) -> StoreResult<Vec<Month>> {
    app.store
        .all(
            &format!("{MONTH} WHERE alarm IS NOT NULL AND checked_at >= $1 ORDER BY day"),
            args![since],
        )
        .await?
        .iter()
        .map(month_of)
        .collect()
}
