//! What back-tests of scores set by hand begin with is made ready before somebody asks: what was known of every account at the newest
//! month ends whose horizon has passed, as many as two years have, and those after and before them that a back-test looks at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::gather;
use super::params::{Asked, month_end};
use super::run::{self, Job};
use crate::App;
use crate::definitions::Definitions;
use crate::metrics::facts::{date_of, day_number};
use crate::metrics::plan::SharedPlan;
use crate::metrics::{self, cells};

/// Month ends that can be tested.
const MONTHS: usize = 24;
/// How long a server has run before it begins, and shortest and longest pause between two rounds.
const PAUSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1_800));
/// A round rests so many times what it cost.
const REST: u32 = 20;

/// Makes ready what is not, for every score that is held against an outcome; nothing while accounts or figures are being brought up to date.
/// Tells whether anything was missing.
///
/// # Errors
/// When records or history fail.
pub async fn refresh(app: &App) -> Result<bool> {
    let (Some(definitions), Some(plan)) = (app.definitions(), app.metrics.plan()) else {
        return Ok(false);
    };
    let stand = Stand {
        definitions: Arc::clone(&definitions),
        plan,
        day: metrics::today(app),
        changed: cells::newest_change(app).await?,
        any: cells::any(app).await?,
    };
    if app
        .models
        .ready
        .lock()
        .as_ref()
        .is_some_and(|held| held.is(&stand))
    {
        return Ok(false);
    }
    let mut worked = false;
    for score in definitions.scores.iter().filter(|score| !score.frozen) {
        if metrics::stand(app).await?.is_none() || metrics::marked_months(app).await? > 0 {
            return Ok(worked);
        }
        let Some(outcome) = run::outcome(&definitions, &score.outcome) else {
            continue;
        };
        let asked = Asked {
            from: Some(date_of(first(app, outcome.horizon).await?).to_string()),
            only_hand_set: true,
            ..Asked::default()
        };
        // Where nothing can be tested, nothing is made ready.
        let Ok(job) = Job::new(app, &definitions, outcome, Some(score), asked).await else {
            continue;
        };
        worked |= gather::prepare(app, &job.first_ask(app)).await?;
    }
    *app.models.ready.lock() = Some(stand);
    Ok(worked)
}

/// What everything that is ready follows from.
#[derive(Debug)]
pub(super) struct Stand {
    definitions: Arc<Definitions>,
    plan: SharedPlan,
    day: i32,
    changed: Option<i64>,
    any: bool,
}

impl Stand {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.definitions, &other.definitions)
            && Arc::ptr_eq(&self.plan, &other.plan)
            && (self.day, self.changed, self.any) == (other.day, other.changed, other.any)
    }
}

/// The first month end that can be tested.
async fn first(app: &App, horizon: i32) -> Result<i32> {
    let mut day = month_end(gather::newest_day(app).await? - horizon);
    for _ in 1..MONTHS {
        day = day_number(date_of(day).first_of_month()) - 1;
    }
    Ok(day)
}

/// Runs until the server stops.
pub async fn run(app: App) {
    let mut pause = PAUSES.0;
    loop {
        tokio::time::sleep(pause).await;
        let start = Instant::now();
        if let Err(error) = refresh(&app).await {
            tracing::error!(error = %format!("{error:#}"), "what back-tests begin with could not be made ready; trying again");
        }
        pause = (start.elapsed() * REST).clamp(PAUSES.0, PAUSES.1);
    }
}
