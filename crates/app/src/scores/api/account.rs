//! `GET /api/v1/accounts/{id}/scores`: one account's score with everything that it is made of, and what made it change.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_learn::handset::{Amount, State as Counted};
use utoipa::{IntoParams, ToSchema};

use super::super::board::velocity_line;
use super::super::days::{NONE, points};
use super::super::form::{Form, Ledger};
use super::super::{Band, band, explain, history, models, overrides_on, readings, stages, store, velocity};
use super::list::{ScoreHead, compared};
use super::overrides::OverrideLine;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{Definitions, Score, Unit};
use crate::metrics::facts::date_of;
use crate::metrics::marks::VelocityLine;
use crate::metrics::plan::Plan;
use crate::metrics::{self, Entry, Head, as_of};
use crate::web::{Json, Path, Problem, Query, Result};

/// Which score, on which days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The score; `health` when left out.
    score: Option<String>,
    /// The day; today when left out.
    as_of: Option<String>,
    /// The day that it is compared with; 30 days before when left out.
    compare_to: Option<String>,
}

/// What one measure gives.
#[derive(Serialize, ToSchema)]
pub struct LedgerLine {
    measure: String,
    label: String,
    /// The group that it belongs to; null for a learned form.
    group: Option<String>,
    group_label: Option<String>,
    unit: Option<Unit>,
    /// counted, missing or stale.
    state: &'static str,
    value: Option<f64>,
    /// Days since the value was measured.
    age: Option<f64>,
    /// Points on its curve, 0–100; a learned form has none.
    points: Option<f64>,
    /// Its weight after hand-over; a learned form has none.
    weight: Option<f64>,
    /// What it gives to the score.
    contribution: f64,
}

/// What changed the score through one measure.
#[derive(Serialize, ToSchema)]
pub struct ChangeLine {
    measure: String,
    label: String,
    before: Option<f64>,
    after: Option<f64>,
    /// Because its own value changed.
    by_value: f64,
    /// Because its weight changed.
    by_weight: f64,
}

/// Why the score is another than on the day that it is compared with: everything in it adds up to `total`.
#[derive(Serialize, ToSchema)]
pub struct DifferenceLine {
    total: f64,
    changes: Vec<ChangeLine>,
    base: f64,
    clipped: f64,
    overridden: f64,
    /// The same in words, the greatest first.
    sentences: Vec<String>,
}

/// A measure that would have to change.
#[derive(Serialize, ToSchema)]
pub struct StepPart {
    measure: String,
    label: String,
    now: f64,
    then: f64,
}

/// A change that would make the score green.
#[derive(Serialize, ToSchema)]
pub struct GreenStep {
    parts: Vec<StepPart>,
    /// The same in words.
    words: String,
    /// The score that comes of it.
    points: f64,
}

/// A score of a day.
#[derive(Serialize, ToSchema)]
pub struct ScoreDay {
    day: String,
    points: Option<f64>,
}

/// One account's score.
#[derive(Serialize, ToSchema)]
pub struct AccountScore {
    account_id: String,
    name: String,
    segment: Option<String>,
    as_of: String,
    compare_to: String,
    computed_at: String,
    /// null = the program declares no score.
    score: Option<ScoreHead>,
    scores: Vec<ScoreHead>,
    /// The model that scores it; null = it is not active, or no model is for its segment.
    model: Option<String>,
    model_label: Option<String>,
    /// hand_set or transparent.
    method: Option<&'static str>,
    points: Option<f64>,
    band: Option<Band>,
    /// Why there is no score, or whose word it is.
    remark: Option<String>,
    /// Share of the weight whose measures are known.
    coverage: Option<f64>,
    /// What the score begins with.
    base: f64,
    lines: Vec<LedgerLine>,
    /// What keeping it within 0–100 added.
    clipped: f64,
    /// What a person's word added.
    overridden: f64,
    up: Vec<String>,
    down: Vec<String>,
    missing: Vec<String>,
    to_green: Vec<GreenStep>,
    before: Option<f64>,
    difference: Option<DifferenceLine>,
    velocity: Option<VelocityLine>,
    /// The attribute that the program names as lifecycle stage; null = it names none.
    stage_attribute: Option<String>,
    /// How long it has been in its lifecycle stage; null = no stage is known.
    stage: Option<stages::Line>,
    /// Weekly, a year back, the oldest first; the last is the day itself.
    history: Vec<ScoreDay>,
    overrides: Vec<OverrideLine>,
}

/// One account's score on a day: its ledger, what changed it since another day, which way it moves, and what would make it green.
#[utoipa::path(get, path = "/api/v1/accounts/{id}/scores", tag = "scores", params(("id" = String, Path), Asked), responses((status = 200, body = AccountScore)))]
pub async fn show(
    _: Viewer,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<AccountScore>> {
    let definitions = super::definitions(&app)?;
    let (account_id, no) = super::account(&app, &id)?;
    let day = as_of::day(&app, asked.as_of.as_deref())?;
    let against = match asked.compare_to.as_deref().filter(|text| !text.is_empty()) {
        None => day - 30,
        Some(text) => compared(text, day)?,
    };
    let plan = app
        .metrics
        .plan()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let entry = on(&app, &plan, no, day).await?.ok_or_else(|| {
        Problem::unavailable(
            "the account was taken in a moment ago and is still being computed: ask again",
            1,
        )
    })?;
    let mut answer = AccountScore {
        account_id,
        name: entry.name.clone(),
        segment: entry.head.span_at(day).map(|span| span.segment.clone()),
        as_of: date_of(day).to_string(),
        compare_to: date_of(against).to_string(),
        computed_at: as_of::instant(entry.computed_at),
        score: None,
        scores: definitions.scores.iter().map(ScoreHead::of).collect(),
        model: None,
        model_label: None,
        method: None,
        points: None,
        band: None,
        remark: None,
        coverage: None,
        base: 0.0,
        lines: Vec::new(),
        clipped: 0.0,
        overridden: 0.0,
        up: Vec::new(),
        down: Vec::new(),
        missing: Vec::new(),
        to_green: Vec::new(),
        before: None,
        difference: None,
        velocity: None,
        stage_attribute: definitions.program.lifecycle_stage.clone(),
        stage: None,
        history: Vec::new(),
        overrides: Vec::new(),
    };
    if let Some(field) = &definitions.program.lifecycle_stage {
        answer.stage = stages::of(&app, field, no, day).await?;
    }
    let Some(score) = super::score(&definitions, asked.score.as_deref())? else {
        return Ok(Json(answer));
    };
    let forms = models::forms(&app, score).await?;
    let overrides: Vec<_> = store::overrides(&app.store, &score.id)
        .await?
        .into_iter()
        .filter(|it| it.account_no == no)
        .collect();
    answer.score = Some(ScoreHead::of(score));
    answer.overrides = overrides.iter().rev().map(OverrideLine::of).collect();
    let known = app.scores.history.known();
    let ledger_on = |head: &Head| {
        super::super::score_when(
            &plan,
            score,
            &forms,
            head,
            &overrides_on(&overrides, no, head.day),
            Some(&known),
        )
    };
    let now = ledger_on(&entry.head);
    let before = on(&app, &plan, no, against)
        .await?
        .and_then(|entry| ledger_on(&entry.head));
    if let Some((at, ledger)) = &now {
        let form = &forms[*at];
        let rules = overrides_on(&overrides, no, day);
        let mut read = readings(&plan, form, &entry.head);
        known.hide(&plan, form, day, &mut read);
        tell(&mut answer, &definitions, score, (*at, form), ledger);
        let age = age(&entry.head);
        answer.remark = explain::remark(form, ledger, age, least(form));
        answer.to_green = explain::to_green(score, form, &read, ledger, age, &rules, day)
            .into_iter()
            .map(|step| green(&definitions, step))
            .collect();
    }
    answer.before = before
        .as_ref()
        .and_then(|(_, ledger)| ledger.score)
        .map(Amount::points);
    if let (Some((_, now)), Some((_, before))) = (&now, &before) {
        answer.difference = now
            .since(before)
            .map(|difference| change(&definitions, &difference));
    }
    moves(&app, score, &entry, day, &mut answer).await?;
    Ok(Json(answer))
}

/// The account as it was on a day.
async fn on(app: &App, plan: &Arc<Plan>, no: i64, day: i32) -> Result<Option<Arc<Entry>>> {
    if day == metrics::today(app) {
        return Ok(app.metrics.book.get(no));
    }
    Ok(as_of::some(app, plan, &[no], day).await?.pop().map(Arc::new))
}

fn age(head: &Head) -> f64 {
    head.lives()
        .iter()
        .rev()
        .find(|life| life.0 <= head.day)
        .map_or(0.0, |life| f64::from(head.day - life.0))
}

fn least(form: &Form) -> f64 {
    match form {
        Form::HandSet(model) => model.min_coverage,
        Form::Transparent(learned) => learned.min_coverage,
    }
}

/// What the ledger says.
fn tell(
    answer: &mut AccountScore,
    definitions: &Definitions,
    score: &Score,
    (at, form): (usize, &Form),
    ledger: &Ledger,
) {
    let model = score.models.get(at);
    let group_of = |measure: &str| {
        model?
            .groups
            .iter()
            .find(|group| group.measures.iter().any(|own| own.metric == measure))
    };
    let by_hand = matches!(form, Form::HandSet(_));
    answer.model = model.map(|model| model.id.clone());
    answer.model_label = model.map(|model| model.label.clone());
    answer.method = Some(if by_hand { "hand_set" } else { "transparent" });
    answer.points = ledger.score.map(Amount::points);
    answer.band = answer.points.map(|points| band(score, points));
    answer.coverage = Some(ledger.coverage);
    answer.base = ledger.base.points();
    answer.clipped = ledger.clipped.points();
    answer.overridden = ledger.overridden.points();
    answer.lines = ledger
        .lines
        .iter()
        .map(|line| {
            let group = group_of(&line.measure).filter(|_| by_hand);
            LedgerLine {
                label: explain::label(definitions, &line.measure),
                group: group.map(|group| group.id.clone()),
                group_label: group.map(|group| group.label.clone()),
                unit: definitions.metric(&line.measure).map(|metric| metric.unit),
                state: match line.state {
                    Counted::Counted => "counted",
                    Counted::Missing => "missing",
                    Counted::Stale => "stale",
                },
                value: line.value,
                age: line.age,
                points: line.points,
                weight: line.weight,
                contribution: line.contribution.points(),
                measure: line.measure.clone(),
            }
        })
        .collect();
    answer.missing = explain::missing(definitions, ledger);
    if ledger.score.is_some() {
        answer.up = explain::pulls_up(definitions, ledger, 3);
        answer.down = explain::pulls_down(definitions, ledger, 3);
    }
}

fn green(definitions: &Definitions, step: explain::Step) -> GreenStep {
    GreenStep {
        words: explain::step_words(definitions, &step),
        parts: step
            .measures
            .into_iter()
            .map(|(measure, now, then)| StepPart {
                label: explain::label(definitions, &measure),
                measure,
                now,
                then,
            })
            .collect(),
        points: step.points,
    }
}

fn change(definitions: &Definitions, difference: &super::super::Difference) -> DifferenceLine {
    DifferenceLine {
        total: difference.total.points(),
        base: difference.base.points(),
        clipped: difference.clipped.points(),
        overridden: difference.overridden.points(),
        sentences: explain::changes(definitions, difference),
        changes: difference
            .changes
            .iter()
            .map(|change| ChangeLine {
                label: explain::label(definitions, &change.measure),
                measure: change.measure.clone(),
                before: change.values[0],
                after: change.values[1],
                by_value: change.by_value.points(),
                by_weight: change.by_weight.points(),
            })
            .collect(),
    }
}

/// Its weeks and which way it moves.
async fn moves(app: &App, score: &Score, entry: &Entry, day: i32, answer: &mut AccountScore) -> Result<()> {
    let kept = history::of(app, &score.id, &[entry.no]).await?.remove(&entry.no);
    let now = super::super::days::thousandths(answer.points);
    let on = |at: i32| {
        if at == day {
            now
        } else {
            kept.as_ref().map_or(NONE, |days| days.at(at))
        }
    };
    let first = kept.as_ref().map_or(day, |days| days.from);
    answer.history = (0..=52)
        .rev()
        .map(|week| day - 7 * week)
        .filter(|at| *at >= first)
        .map(|at| ScoreDay {
            day: date_of(at).to_string(),
            points: points(on(at)),
        })
        .collect();
    let Some(kept) = &kept else { return Ok(()) };
    let mut weeks = history::weeks(kept, day);
    if now != NONE {
        weeks[0] = now;
    }
    let Some(segment) = entry.head.span_at(day).map(|span| span.segment.as_str()) else {
        return Ok(());
    };
    let seasons = history::seasons(app, score, day).await?;
    answer.velocity = velocity::of_weeks(&weeks)
        .zip(seasons.get(segment))
        .map(|(movement, season)| velocity_line(&tenure_learn::velocity::velocity(&movement, season)));
    Ok(())
}
