//! Back-tests and trainings as work in the background.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use futures::FutureExt;
use parking_lot::Mutex;
use tenure_learn::handset::{Curve, Model};
use tenure_learn::{Direction, threads};

use super::backtest::{self, Settings};
use super::gather::{self, Ask, Gathered, HandScore};
use super::outcome::{Outcome, What};
use super::params::{Asked, Days};
use super::reach;
use super::report::Report;
use super::rolling::{self, MOST_ROWS, Scored};
use super::rows::{self, Rows};
use super::store::{self, Backtest, Run};
use super::train;
use crate::App;
use crate::definitions::{Definitions, OutcomeKind, Score};
use crate::metrics::Entry;

/// The seed of everything that is drawn.
pub const SEED: u64 = 1;

/// What is running in this process: how far, and what is being done.
#[derive(Debug, Default)]
pub struct State {
    /// By id; nothing = it ended here.
    running: Mutex<HashMap<String, Option<(f64, &'static str)>>>,
    /// What everything that was made ready follows from.
    pub(super) ready: Mutex<Option<super::ready::Stand>>,
    /// Held while a score that is being changed is tested.
    pub quick: tokio::sync::Mutex<()>,
}

impl State {
    /// How far a piece of work is (0–1) and what is being done; `None` = it does not run here.
    #[must_use]
    pub fn progress(&self, id: &str) -> Option<(f64, &'static str)> {
        // What ended a moment ago may still be read as running: the next look shows how it ended.
        self.running.lock().get(id).map(|it| it.unwrap_or((1.0, "")))
    }

    fn tell(&self, id: &str, share: f64, step: &'static str) {
        self.running.lock().insert(id.to_owned(), Some((share, step)));
    }

    fn done(&self, id: &str) {
        self.running.lock().insert(id.to_owned(), None);
    }

    /// How many pieces of work run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.running.lock().values().flatten().count()
    }
}

/// An outcome of the program.
#[must_use]
pub fn outcome(definitions: &Definitions, id: &str) -> Option<Outcome> {
    let known = definitions.outcome(id)?;
    Some(Outcome {
        what: match known.kind {
            OutcomeKind::Churned => What::Churned,
            OutcomeKind::Contracted => What::Contracted,
            OutcomeKind::Event => What::Happens(known.events.clone()),
            OutcomeKind::NoEvent => What::Ceases(known.events.clone()),
            OutcomeKind::Segment => What::Reaches(known.segment.clone().unwrap_or_default()),
        },
        horizon: i32::try_from(known.horizon.0).unwrap_or(90),
        id: known.id,
        label: known.label,
        among: known.among,
    })
}

/// A score of the program as arithmetic.
pub(super) fn hand(score: &Score, id: &str, quiet: bool) -> HandScore {
    let model = |model: &crate::definitions::ScoreModel| {
        let own = model.arithmetic();
        let quiet_days = if quiet { own.quiet_days } else { 0.0 };
        (model.segments.clone(), Model { quiet_days, ..own })
    };
    HandScore {
        id: id.to_owned(),
        models: score.models.iter().map(model).collect(),
    }
}

/// The directions that a score's curves declare, in risk: what raises health lowers the risk. Measures on which models disagree have none.
fn directions(score: &Score) -> Vec<(String, Direction)> {
    let mut found: Vec<(String, Direction)> = Vec::new();
    let mut disputed: Vec<String> = Vec::new();
    for measure in score.models.iter().flat_map(|model| model.measures()) {
        let (Curve::Steps { direction, .. } | Curve::Linear { direction, .. }) = &measure.curve;
        let way = match direction {
            Some(Direction::Rising) => Direction::Falling,
            Some(Direction::Falling) => Direction::Rising,
            None => {
                disputed.push(measure.metric.clone());
                continue;
            }
        };
        match found.iter().find(|(name, _)| *name == measure.metric) {
            Some((_, other)) if *other != way => disputed.push(measure.metric.clone()),
            Some(_) => {}
            None => found.push((measure.metric.clone(), way)),
        }
    }
    found.retain(|(name, _)| !disputed.contains(name));
    found
}

/// The score that an outcome is told by: `health` before others, none that is frozen.
#[must_use]
pub fn score_of<'a>(definitions: &'a Definitions, outcome: &str) -> Option<&'a Score> {
    let of = |score: &&Score| score.outcome == outcome && !score.frozen;
    let named = definitions.score(crate::scores::HEALTH).filter(of);
    named.or_else(|| definitions.scores.iter().find(of))
}

/// Everything that a back-test works with.
pub struct Job {
    /// The outcome.
    pub outcome: Outcome,
    /// The score, if one is set by hand.
    pub score: Option<Score>,
    /// The frozen baseline.
    pub baseline: Option<Score>,
    /// The days.
    pub days: Days,
    /// What was asked.
    pub asked: Asked,
}

impl Job {
    /// A job for a score, or for an outcome that no score tells.
    ///
    /// # Errors
    /// Fields of the ask that are wrong.
    pub async fn new(
        app: &App,
        definitions: &Definitions,
        outcome: Outcome,
        score: Option<&Score>,
        asked: Asked,
    ) -> crate::web::Result<Self> {
        let newest = gather::newest_day(app).await?;
        let entries = app.metrics.book.all();
        let lives: Vec<(i32, i32)> = entries.iter().flat_map(|entry| entry.head.lives()).collect();
        let first = lives.iter().map(|life| life.0).min().unwrap_or(newest);
        // Before the log tells of most of what is measured, and before anybody is known to have come to it, there is nothing to learn: records
        // reach back further than that, and hold only those who stayed.
        let told = match app.metrics.plan() {
            Some(plan) => app.scores.history.known().again(app).await?.tells_from(&plan),
            None => None,
        };
        let came = match &outcome.what {
            What::Churned | What::Contracted => lives.iter().map(|life| life.1).min(),
            What::Happens(names) => store::first_event_day(app, names).await?,
            What::Ceases(_) | What::Reaches(_) => None,
        };
        let told = told.map(|told| came.map_or(told, |came| came.min(told)));
        let first = told.map_or(first, |told| told.max(first));
        let days = asked.days(outcome.horizon, first, newest)?;
        let baseline = definitions.scores.iter().find(|other| {
            other.frozen && other.outcome == outcome.id && score.is_none_or(|score| score.id != other.id)
        });
        Ok(Self {
            outcome: Outcome {
                horizon: days.horizon,
                ..outcome
            },
            score: score.cloned(),
            baseline: baseline.cloned(),
            days,
            asked,
        })
    }

    /// What to gather from the cutoff `start` on.
    fn ask(&self, start: usize, horizons: Vec<i32>) -> Ask {
        let mut scores = Vec::new();
        if let Some(score) = &self.score {
            scores.push(hand(score, "score", true));
            scores.push(hand(score, "learn", false));
        }
        if let Some(baseline) = &self.baseline {
            scores.push(hand(baseline, "baseline", true));
        }
        Ask {
            outcome: self.outcome.clone(),
            cutoffs: self.days.cutoffs[start..].to_vec(),
            trust_dates: self.asked.trust_dates,
            horizons,
            hand: scores,
            keep_open: false,
            all_metrics: !self.asked.only_hand_set,
        }
    }

    /// The first cutoff that is gathered, unless it turns out to be too late.
    fn start(&self, app: &App) -> usize {
        let Days {
            cutoffs,
            from,
            horizon,
            ..
        } = &self.days;
        let entries = app.metrics.book.all();
        let active = |at: usize| {
            let on = |entry: &&Arc<Entry>| gather::active_on(entry, cutoffs[at]);
            entries.iter().filter(on).count()
        };
        let learned = !self.asked.only_hand_set;
        reach::guess(cutoffs, *from, *horizon, learned, MOST_ROWS, active)
    }

    /// What is gathered first.
    #[must_use]
    pub fn first_ask(&self, app: &App) -> Ask {
        self.ask(self.start(app), Vec::new())
    }

    /// The values of the score set by hand that learning is shrunk towards, on rows that [`Job::ask`] asked for.
    #[must_use]
    pub fn learn_from<'a>(&self, gathered: &'a Gathered) -> Option<&'a [f64]> {
        self.score.as_ref()?;
        gathered.scores.get(1).map(Vec::as_slice)
    }

    /// Directions of measures, in risk.
    #[must_use]
    pub fn directions(&self) -> Vec<(String, Direction)> {
        self.score.as_ref().map(directions).unwrap_or_default()
    }

    /// The accounts that a team can look after at a time: those of one owner, in the middle.
    fn capacity(&self, app: &App) -> usize {
        if let Some(asked) = self.asked.capacity {
            return asked.max(1) as usize;
        }
        let (mut owned, mut active): (HashMap<String, usize>, usize) = (HashMap::new(), 0);
        for entry in app.metrics.book.all().iter().filter(|entry| entry.active()) {
            active += 1;
            if let Some(owner) = entry.now().and_then(|span| span.owner.clone()) {
                *owned.entry(owner).or_default() += 1;
            }
        }
        let mut sizes: Vec<usize> = owned.into_values().collect();
        sizes.sort_unstable();
        // Without owners a tenth of the accounts stands for what a team can look at.
        sizes
            .get(sizes.len() / 2)
            .copied()
            .unwrap_or_else(|| active.div_ceil(10))
            .max(1)
    }
}

/// A panel with its back-test.
pub struct Done {
    /// The panel and the scores on it.
    pub gathered: Gathered,
    /// The report.
    pub report: Report,
    /// Log-odds of learnt methods before calibration.
    pub raw: backtest::Raw,
    /// What each method said of each row, by id.
    pub methods: Vec<(String, Scored)>,
}

impl Done {
    /// The values of the score set by hand that learning is shrunk towards.
    #[must_use]
    pub fn learn_from(&self, job: &Job) -> Option<&[f64]> {
        job.learn_from(&self.gathered)
    }
}

/// Gathers what was known, from as far back as any figure on a tested cutoff depends on.
async fn gathered(
    app: &App,
    job: &Job,
    horizons: Vec<i32>,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Gathered> {
    let Days {
        cutoffs,
        from,
        horizon,
        ..
    } = &job.days;
    let learned = !job.asked.only_hand_set;
    let mut start = job.start(app);
    loop {
        let found = gather::gather(app, &job.ask(start, horizons.clone()), progress).await?;
        if start == 0 || reach::is_whole(&found.panel, *from, *horizon, learned, MOST_ROWS) {
            return Ok(found);
        }
        // Fewer rows than accounts, or fewer outcomes than supposed: as many cutoffs again.
        let held = cutoffs.len() - start;
        start = start.saturating_sub(held);
    }
}

/// Gathers and tests.
///
/// # Errors
/// When records or history fail, or nothing can be tested.
pub async fn execute(
    app: &App,
    job: &Arc<Job>,
    horizons: Vec<i32>,
    tell: impl Fn(f64, &'static str) + Send + Sync + 'static,
) -> Result<Done> {
    let tell = Arc::new(tell);
    let gathered = gathered(app, job, horizons, &|share| tell(0.5 * share, "what was known")).await?;
    let capacity = job.capacity(app);
    let job = Arc::clone(job);
    tokio::task::spawn_blocking(move || {
        let directions = job.directions();
        let at = |place: usize, there: bool| {
            there
                .then(|| gathered.scores.get(place).map(Vec::as_slice))
                .flatten()
        };
        let by_hand = job.score.is_some();
        let settings = Settings {
            outcome: &job.outcome.id,
            outcome_label: &job.outcome.label,
            horizon: job.outcome.horizon,
            from: job.days.from,
            begun: job.days.begun(),
            score: at(0, by_hand),
            learn_from: at(1, by_hand),
            baseline: at(if by_hand { 2 } else { 0 }, job.baseline.is_some()),
            red_below: job.score.as_ref().map_or(50.0, |score| score.bands.yellow),
            capacity,
            directions: &directions,
            learned: !job.asked.only_hand_set,
            seed: SEED,
            threads: threads::available(),
        };
        let tested = backtest::run(&gathered.panel, &settings, &|share| {
            tell(0.5 + 0.5 * share, "methods")
        });
        let found = tested.map_err(|error| told(&error, &gathered))?;
        Ok(Done {
            gathered,
            report: found.report,
            raw: found.raw,
            methods: found.methods,
        })
    })
    .await?
}

/// Keeps the rows of a back-test as files.
fn keep_rows(app: &App, job: &Job, id: &str, done: &Done) -> Result<()> {
    let rows = Rows {
        panel: &done.gathered.panel,
        id_of: &|no| app.metrics.book.get(no).map(|entry| entry.id.clone()),
        hand: done.learn_from(job),
        methods: &done.methods,
        from: job.days.from,
    };
    rows.write(&rows::folder(app, id))?;
    rows::tidy(app)
}

/// Why nothing can be tested, with what was known when that is the reason.
fn told(error: &tenure_learn::Error, gathered: &Gathered) -> anyhow::Error {
    let known = &gathered.panel.knowledge;
    let censored: usize = gathered.panel.cutoffs.iter().map(|cutoff| cutoff.censored).sum();
    match error {
        tenure_learn::Error::Empty if known.unknown_accounts > 0 && !known.trust_dates => {
            anyhow!(
                "there is nothing to test: no account was known to be active on a cutoff. {}",
                known.note
            )
        }
        tenure_learn::Error::Empty => anyhow!(
            "there is nothing to test: no account was active on a cutoff whose horizon has passed ({censored} were left out because theirs \
             has not); take earlier cutoffs or a shorter horizon"
        ),
        other if known.unknown_accounts > 0 && !known.trust_dates => anyhow!("{other}. {}", known.note),
        other => anyhow!("{other}"),
    }
}

/// Runs a back-test in the background; what is kept of it already says that it runs.
pub fn start_backtest(app: &App, job: Job, it: Backtest) {
    let (app, job) = (app.clone(), Arc::new(job));
    app.models.tell(&it.id, 0.0, "what was known");
    tokio::spawn(async move {
        let told = (app.clone(), it.id.clone());
        let work = execute(&app, &job, Vec::new(), move |share, step| {
            told.0.models.tell(&told.1, share, step)
        });
        let work = async {
            let done = work.await?;
            if job.asked.rows {
                let (app, job, id) = (app.clone(), Arc::clone(&job), it.id.clone());
                let kept =
                    tokio::task::spawn_blocking(move || keep_rows(&app, &job, &id, &done).map(|()| done));
                return kept.await?;
            }
            anyhow::Ok(done)
        };
        let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(anyhow!(
                "it ended in a fault of the program, which the server's log holds"
            ))
        });
        let kept = match &outcome {
            Ok(done) => store::finish_backtest(&app, &it.id, Ok(&done.report)).await,
            Err(error) => store::finish_backtest(&app, &it.id, Err(&format!("{error:#}"))).await,
        };
        if let Err(error) = kept {
            tracing::error!(error = %format!("{error:#}"), "a back-test could not be kept");
        }
        app.models.done(&it.id);
    });
}

/// Trains in the background, with a back-test beside.
pub fn start_training(app: &App, job: Job, run: Run, beside: Backtest) {
    let (app, job) = (app.clone(), Arc::new(job));
    app.models.tell(&run.id, 0.0, "what was known");
    app.models.tell(&beside.id, 0.0, "what was known");
    tokio::spawn(async move {
        let work = training(&app, &job, &run, &beside);
        let outcome = std::panic::AssertUnwindSafe(work).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(anyhow!(
                "it ended in a fault of the program, which the server's log holds"
            ))
        });
        if let Err(error) = outcome {
            let text = format!("{error:#}");
            for kept in [
                store::fail_run(&app, &run.id, &text).await,
                store::finish_backtest(&app, &beside.id, Err(&text)).await,
            ] {
                if let Err(error) = kept {
                    tracing::error!(error = %format!("{error:#}"), "a training could not be kept");
                }
            }
        }
        app.models.done(&run.id);
        app.models.done(&beside.id);
    });
}

async fn training(app: &App, job: &Arc<Job>, run: &Run, beside: &Backtest) -> Result<()> {
    let told = (app.clone(), run.id.clone());
    let horizons = train::HORIZONS
        .iter()
        .copied()
        .filter(|days| *days != job.outcome.horizon)
        .collect();
    let done = execute(app, job, horizons, move |share, step| {
        told.0.models.tell(&told.1, 0.8 * share, step)
    })
    .await?;
    store::finish_backtest(app, &beside.id, Ok(&done.report)).await?;
    app.models.tell(&run.id, 0.8, "training");
    let (method, own) = (run.method.clone(), Arc::clone(job));
    let before = train::reference(app, &run.outcome).await?;
    // Of whom a young log's model will speak: the accounts of today, whose horizon has not passed.
    let newest = done.gathered.panel.newest;
    let now = if rolling::is_young(newest, job.days.begun()) {
        let ask = Ask {
            cutoffs: vec![newest],
            keep_open: true,
            ..job.ask(0, Vec::new())
        };
        Some(gather::gather(app, &ask, &|_| {}).await?)
    } else {
        None
    };
    let train = move || train::train(&done, &own, &method, before, now.as_ref());
    let trained = tokio::task::spawn_blocking(train).await??;
    store::finish_run(app, run, &trained).await?;
    Ok(())
}
