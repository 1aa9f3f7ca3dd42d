//! SQL of the slice, of the history and of the records.

use futures::TryStreamExt;
use tenure_lake::RecordBatch;
use tenure_lake::arrow::array::{Array, AsArray};
use tenure_lake::arrow::datatypes::{Date32Type, Int64Type};

use tenure_store::{Batch, Conflict, Execute, Row, StoreResult, Tx, args};

use super::outcome::EventDays;
use super::report::Report;
use super::train::Trained;
use crate::App;
use crate::metrics::facts::date_of;

async fn read(app: &App, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
    let context = app.lake.context(&crate::events::snapshot(app)?);
    let mut batches = context
        .stream(sql)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut all = Vec::new();
    while let Some(batch) = batches
        .try_next()
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?
    {
        all.push(batch);
    }
    Ok(all)
}

/// The newest day on which something happened to an account, up to `last`: what is dated later is a mistake or a plan.
pub(super) async fn newest_event_day(app: &App, last: i32) -> anyhow::Result<Option<i32>> {
    let sql = format!(
        "SELECT max(day) AS day FROM events WHERE account_no > 0 AND day <= DATE '{}'",
        date_of(last)
    );
    let batches = read(app, &sql).await?;
    Ok(batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .and_then(|batch| {
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
    let list: Vec<String> = names
        .iter()
        .map(|name| format!("'{}'", name.replace('\'', "''")))
        .collect();
    let sql = format!(
        "SELECT DISTINCT account_no, day FROM events WHERE account_no > 0 AND name IN ({})",
        list.join(", ")
    );
    for batch in read(app, &sql).await? {
        let no = batch.column(0).as_primitive::<Int64Type>();
        let day = batch.column(1).as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            days.entry(no.value(row)).or_default().push(day.value(row));
        }
    }
    days.values_mut().for_each(|of| of.sort_unstable());
    Ok(days)
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
