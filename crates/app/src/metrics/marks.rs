//! What a slice above this one says of every account, so that the list of accounts can show it, sort and filter by it: its score.
//!
//! Scores stand above metrics and are computed from them, while the list of accounts stands here. The root of the crate hands the way to
//! ask over when a Tenure is opened ([`super::State::marked_by`]).

use std::fmt::Debug;
use std::sync::Arc;

use anyhow::Result;
use futures::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// Which way an account moves.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VelocityLine {
    /// 0–100; 50 = as steady as its segment.
    pub value: f64,
    /// Points in 30 days, without what the whole segment moves.
    pub slope: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// falling, rising, steady or unsure.
    pub state: &'static str,
}

/// The score of an account in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AccountMark)]
pub struct Mark {
    /// 0–100; null = too little is known.
    pub points: Option<f64>,
    /// green, yellow or red; null = no score.
    pub band: Option<&'static str>,
    /// Which way it moves; null = too few weeks are known.
    pub velocity: Option<VelocityLine>,
}

/// The score that lists show.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AccountMarks)]
pub struct Marked {
    /// The score's id.
    pub score: String,
    /// Its name.
    pub label: String,
    /// Whether scores of earlier days are computed; else velocities are missing.
    pub ready: bool,
}

/// The marks of all accounts on a day, held in memory.
pub trait Marks: Debug + Send + Sync {
    /// Whose they are.
    fn head(&self) -> Marked;
    /// That of one account; `None` = it is not active.
    fn of(&self, no: i64) -> Option<Mark>;
    /// Its points.
    fn points(&self, no: i64) -> Option<f64>;
    /// Its velocity, 0–100.
    fn velocity(&self, no: i64) -> Option<f64>;
    /// Its band.
    fn band(&self, no: i64) -> Option<&'static str>;
}

/// How to ask for the marks of a day; nothing where the program has none.
pub type Marking = for<'a> fn(&'a App, i32) -> BoxFuture<'a, Result<Option<Arc<dyn Marks>>>>;

/// The marks of a day.
///
/// # Errors
/// When the records fail.
pub async fn marks(app: &App, day: i32) -> Result<Option<Arc<dyn Marks>>> {
    match app.metrics.marking() {
        Some(marking) => marking(app, day).await,
        None => Ok(None),
    }
}
