//! The models of scores over time: what the program sets by hand, and what was learned and promoted by a person.

use serde_json::Value as Json;
use tenure_store::{Clock, StoreResult, Tx, new_id};

use super::form::Form;
use super::store;
pub use super::store::{current, list, one};
use crate::App;
use crate::definitions::Score;

/// A model as kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The score.
    pub score: String,
    /// The id of the score's model that it stands for.
    pub model: String,
    /// `hand_set` or `transparent`.
    pub method: String,
    /// The [`Form`] as JSON.
    pub body: Json,
    /// A name for the body's content.
    pub hash: String,
    /// When, UTC microseconds.
    pub created_at: i64,
    /// Who.
    pub author: String,
    /// What they said of it.
    pub note: String,
    /// `draft`, `promoted` or `retired`.
    pub state: String,
    /// When it was put in force.
    pub promoted_at: Option<i64>,
    /// Who put it in force.
    pub promoted_by: Option<String>,
    /// The back-test that stood beside it then.
    pub backtest_id: Option<String>,
}

/// A model to keep.
pub struct New<'a> {
    /// The score.
    pub score: &'a str,
    /// The id of the score's model that it stands for.
    pub model: &'a str,
    /// The model.
    pub form: &'a Form,
    /// Who made it.
    pub author: &'a str,
    /// What it is.
    pub note: &'a str,
}

/// A name for a form's content.
#[must_use]
pub fn hash(form: &Form) -> String {
    let text = serde_json::to_string(form).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().as_str()[..16].to_owned()
}

/// Keeps a model as a draft and gives its id. It changes nothing until it is promoted.
///
/// # Errors
/// When the records fail.
pub async fn insert(tx: &Tx, clock: &Clock, new: &New<'_>) -> StoreResult<String> {
    let kept = Kept {
        id: new_id(clock),
        score: new.score.to_owned(),
        model: new.model.to_owned(),
        method: method(new.form).to_owned(),
        body: serde_json::to_value(new.form).unwrap_or_default(),
        hash: hash(new.form),
        created_at: clock.micros(),
        author: new.author.to_owned(),
        note: new.note.to_owned(),
        state: "draft".to_owned(),
        promoted_at: None,
        promoted_by: None,
        backtest_id: None,
    };
    store::add_model(tx, &kept).await?;
    Ok(kept.id)
}

fn method(form: &Form) -> &'static str {
    match form {
        Form::HandSet(_) => "hand_set",
        Form::Transparent(_) => "transparent",
    }
}

/// Puts a model in force in place of the one that was, and lets every figure that reads scores be computed again. The caller adds the audit
/// row and afterwards wakes the history ([`super::history::wake`]).
///
/// # Errors
/// When the records fail.
pub async fn promote(
    tx: &Tx,
    clock: &Clock,
    kept: &Kept,
    by: &str,
    backtest: Option<&str>,
) -> StoreResult<()> {
    let now = clock.micros();
    store::retire(tx, &kept.score, &kept.model).await?;
    store::promoted(tx, &kept.id, now, by, backtest).await?;
    crate::metrics::mark_months(tx, &[0], now).await
}

/// Takes the learned model of a score's model out of force: the program's hand-set one counts again.
///
/// # Errors
/// When the records fail.
pub async fn demote(tx: &Tx, clock: &Clock, score: &str, model: &str) -> StoreResult<()> {
    store::retire(tx, score, model).await?;
    crate::metrics::mark_months(tx, &[0], clock.micros()).await
}

/// The forms in force of a score, in the order of its models: a promoted one, else the program's own.
///
/// # Errors
/// When the records fail.
pub async fn forms(app: &App, score: &Score) -> anyhow::Result<Vec<Form>> {
    let promoted = if score.frozen {
        Vec::new()
    } else {
        current(&app.store, &score.id).await?
    };
    Ok(score
        .models
        .iter()
        .map(|model| {
            promoted
                .iter()
                .find(|kept| kept.model == model.id)
                .and_then(|kept| serde_json::from_value::<Form>(kept.body.clone()).ok())
                .unwrap_or_else(|| Form::HandSet(model.arithmetic()))
        })
        .collect())
}
