//! Handlers of trained models.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenure_store::new_id;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::shape::{Backtest, Model, method_of};
use super::{begun, definitions, outcome_named, room};
use crate::App;
use crate::auth::{Manager, Principal, Viewer, audit};
use crate::models::params::Asked;
use crate::models::report::{Interval, Method, Paired, Report};
use crate::models::run::{self, Job};
use crate::models::store::{self, Run};
use crate::models::train::{BOOSTING, Body, TRANSPARENT};
use crate::scores::form::{Form, Learned};
use crate::scores::models as kept;
use crate::web::{Json, Path, Problem, Query, Result, routes};

/// The routes of trained models.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(trained))
        .routes(routes!(train))
        .routes(routes!(comparison))
        .routes(routes!(one))
        .routes(routes!(promote, withdraw))
}

/// Which models.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only of this outcome.
    outcome: Option<String>,
}

/// Trained models, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = TrainedModels)]
struct Models {
    items: Vec<Model>,
}

/// The report of a back-test, when it is done.
pub(super) async fn report(app: &App, id: &str) -> Result<Option<Report>> {
    let found = store::backtest(app, id).await?;
    Ok(found.and_then(|it| serde_json::from_str(&it.result?).ok()))
}

async fn shown(app: &App, it: Run) -> Result<Model> {
    let names = crate::auth::names(app).await?;
    let beside = report(app, &it.backtest_id).await?;
    Ok(Model::of(app, it, beside.as_ref(), &names))
}

/// The models that were trained.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", params(Wanted), responses((status = 200, body = Models)))]
async fn trained(_: Viewer, State(app): State<App>, Query(wanted): Query<Wanted>) -> Result<Json<Models>> {
    let names: HashMap<String, String> = crate::auth::names(&app).await?;
    let mut items = Vec::new();
    for it in store::runs(&app, wanted.outcome.as_deref()).await? {
        let beside = report(&app, &it.backtest_id).await?;
        items.push(Model::of(&app, it, beside.as_ref(), &names));
    }
    Ok(Json(Models { items }))
}

/// What to train.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTraining)]
struct NewTraining {
    /// The outcome.
    outcome: String,
    /// `transparent` (the usual) or `boosting`.
    #[serde(default)]
    method: Option<String>,
    /// What it is for.
    #[serde(default)]
    note: String,
    /// The days and trust of the back-test beside it.
    #[serde(default)]
    backtest: Asked,
}

/// Trains a model in the background, with a back-test beside it. It changes nothing until it is put in force.
#[utoipa::path(post, path = "/api/v1/models/train", tag = "models", request_body = NewTraining, responses((status = 202, body = Model)))]
async fn train(
    Manager(who): Manager,
    State(app): State<App>,
    Json(form): Json<NewTraining>,
) -> Result<(StatusCode, Json<Model>)> {
    let definitions = definitions(&app)?;
    let outcome = outcome_named(&definitions, &form.outcome)?;
    let method = match form.method.as_deref() {
        None | Some(TRANSPARENT) => TRANSPARENT,
        Some(BOOSTING) => BOOSTING,
        Some(other) => {
            return Err(Problem::field(
                "method",
                other,
                "is no method",
                "take transparent or boosting",
            ));
        }
    };
    if form.note.chars().count() > 2_000 {
        return Err(Problem::field(
            "note",
            form.note.len(),
            "is longer than 2,000 characters",
            "say less",
        ));
    }
    room(&app)?;
    let score = run::score_of(&definitions, &outcome.id);
    let asked = Asked {
        only_hand_set: false,
        ..form.backtest
    };
    let beside = begun(
        &app,
        &who,
        score.map_or("", |score| score.id.as_str()),
        &outcome.id,
        &asked,
    )?;
    let it = Run {
        id: new_id(&app.clock),
        outcome: outcome.id.clone(),
        score: score.map(|score| score.id.clone()).unwrap_or_default(),
        method: method.to_owned(),
        state: "running".to_owned(),
        day: 0,
        rows: 0,
        positives: 0,
        body: String::new(),
        backtest_id: beside.id.clone(),
        created_at: app.clock.micros(),
        finished_at: None,
        author: who.actor.clone(),
        note: form.note.trim().to_owned(),
        error: None,
        promoted_at: None,
        promoted_by: None,
        version: 1,
    };
    let job = Job::new(&app, &definitions, outcome, score, asked).await?;
    let tx = app.store.begin().await?;
    store::add_backtest(&tx, &beside).await?;
    store::add_run(&tx, &it).await?;
    let detail = json!({ "outcome": it.outcome, "method": method, "note": it.note, "backtest": beside.id });
    audit(
        &tx,
        &app.clock,
        &who,
        "model.train",
        &format!("model:{}", it.id),
        &detail,
    )
    .await?;
    tx.commit().await?;
    run::start_training(&app, job, it.clone(), beside);
    Ok((StatusCode::ACCEPTED, Json(shown(&app, it).await?)))
}

/// What moves a transparent model, for reading.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelMeasure)]
struct Measure {
    /// The metric, or two metrics of a pair.
    name: String,
    /// Mean absolute contribution over the training rows, in points of health.
    moves: f64,
    /// Points of health per bin.
    bins: Vec<BinLine>,
}

/// A bin of a measure.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelBin)]
struct BinLine {
    /// `≤ 3.5`, `> 12` or `missing`.
    bin: String,
    /// Points of health that it adds.
    points: f64,
    /// Share of the training rows.
    share: f64,
}

/// A model with what it is made of and its back-test.
#[derive(Serialize, ToSchema)]
#[schema(as = TrainedModelDetail)]
struct Detail {
    model: Model,
    /// By measure, what moves most first; empty for boosting.
    measures: Vec<Measure>,
    /// Days within which it tells of the outcome.
    horizons: Vec<i32>,
    backtest: Option<Backtest>,
}

async fn find(app: &App, id: &str) -> Result<Run> {
    store::run(&app.store, id)
        .await?
        .ok_or_else(|| Problem::not_found(format!("there is no model {id}")))
}

fn body(it: &Run) -> Result<Body> {
    if it.state != "done" {
        return Err(Problem::conflict(format!(
            "the model is {}: wait until it is done, or train another",
            it.state
        )));
    }
    Ok(serde_json::from_str(&it.body).map_err(anyhow::Error::from)?)
}

fn measures(body: &Body) -> Vec<Measure> {
    let Some((_, table)) = body.tables.iter().find(|(horizon, _)| *horizon == body.horizon) else {
        return Vec::new();
    };
    let mut found: Vec<Measure> = table
        .weights()
        .into_iter()
        .enumerate()
        .map(|(at, weight)| {
            let pair = at
                .checked_sub(table.measures.len())
                .and_then(|at| table.pairs.get(at));
            let name = |at: usize| table.measures.get(at).map_or("", |measure| measure.name.as_str());
            Measure {
                name: pair.map_or_else(
                    || name(at).to_owned(),
                    |pair| format!("{} × {}", name(pair.measures[0]), name(pair.measures[1])),
                ),
                moves: body.scale.points(weight).abs(),
                bins: table
                    .lines(at)
                    .into_iter()
                    .map(|line| BinLine {
                        bin: line.bin,
                        points: body.scale.points(line.points),
                        share: line.share,
                    })
                    .collect(),
            }
        })
        .filter(|measure| measure.moves > 1e-9)
        .collect();
    found.sort_by(|a, b| b.moves.total_cmp(&a.moves));
    found
}

/// A model with the points that it is made of and its back-test.
#[utoipa::path(get, path = "/api/v1/models/{id}", tag = "models", params(("id" = String, Path)), responses((status = 200, body = Detail)))]
async fn one(_: Viewer, State(app): State<App>, Path(id): Path<String>) -> Result<Json<Detail>> {
    let it = find(&app, &id).await?;
    let names = crate::auth::names(&app).await?;
    let own: Option<Body> = serde_json::from_str(&it.body).ok();
    let backtest = store::backtest(&app, &it.backtest_id).await?;
    Ok(Json(Detail {
        measures: own.as_ref().map(measures).unwrap_or_default(),
        horizons: own
            .map(|body| match body.tables.is_empty() {
                true => vec![body.horizon],
                false => body.tables.iter().map(|(horizon, _)| *horizon).collect(),
            })
            .unwrap_or_default(),
        backtest: backtest.map(|it| Backtest::of(&app, it, true, &names)),
        model: shown(&app, it).await?,
    }))
}

/// Which two models.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Two {
    /// A model's id.
    first: String,
    /// Another's.
    second: String,
}

/// One side of a comparison.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelSide)]
struct Side {
    model: Model,
    /// What its method reached in the back-test beside it.
    figures: Option<Method>,
    /// The first and last cutoff of that back-test.
    days: Option<[String; 2]>,
}

/// Two models side by side.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelComparison)]
struct Comparison {
    first: Side,
    second: Side,
    /// Their methods on the same rows, where one back-test tested both.
    paired: Option<Paired>,
    /// Whether the two back-tests looked at the same days; figures of different days are not comparable.
    same_days: bool,
}

async fn side(app: &App, id: &str) -> Result<(Side, Option<Report>)> {
    let it = find(app, id).await?;
    let beside = report(app, &it.backtest_id).await?;
    let figures = beside
        .as_ref()
        .and_then(|report| report.method(method_of(&it.method)).cloned());
    let days = beside
        .as_ref()
        .map(|report| [report.from.clone(), report.to.clone()]);
    Ok((
        Side {
            model: shown(app, it).await?,
            figures,
            days,
        },
        beside,
    ))
}

/// Two models side by side, each with the back-test beside it.
#[utoipa::path(get, path = "/api/v1/models/comparison", tag = "models", params(Two), responses((status = 200, body = Comparison)))]
async fn comparison(_: Viewer, State(app): State<App>, Query(two): Query<Two>) -> Result<Json<Comparison>> {
    let ((first, one), (second, _)) = (side(&app, &two.first).await?, side(&app, &two.second).await?);
    let id = |side: &Side| {
        side.figures
            .as_ref()
            .map(|method| method.id.clone())
            .unwrap_or_default()
    };
    let (a, b) = (id(&first), id(&second));
    let paired = one.and_then(|report| {
        report.paired.into_iter().find_map(|pair| {
            if pair.first == a && pair.second == b {
                return Some(pair);
            }
            let Interval { value, low, high } = pair.difference;
            (pair.first == b && pair.second == a).then(|| Paired {
                first: a.clone(),
                second: b.clone(),
                difference: Interval {
                    value: -value,
                    low: -high,
                    high: -low,
                },
                ..pair
            })
        })
    });
    Ok(Json(Comparison {
        same_days: first.days.is_some() && first.days == second.days,
        first,
        second,
        paired,
    }))
}

/// Putting a model in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelPromotion)]
struct Promotion {
    /// The version that was looked at.
    version: i64,
    /// Why; needed with `despite`.
    #[serde(default)]
    note: String,
    /// Puts it in force although its back-test proves nothing, or proves it worse.
    #[serde(default)]
    despite: bool,
}

fn overtaken() -> Problem {
    Problem::conflict(
        "somebody else changed which model is in force in the meantime: look at the models again",
    )
}

/// What speaks against a promotion.
fn doubts(it: &Run, report: &Report) -> Option<String> {
    let own = method_of(&it.method);
    let figures = report.method(own)?;
    if !figures.proven {
        return Some(format!("its back-test does not prove it: {}", figures.reason));
    }
    let worse = report
        .paired
        .iter()
        .find(|pair| pair.first == own && pair.second == "score" && pair.difference.high < 0.0);
    worse.map(|pair| {
        format!(
            "it is worse than the score that it would replace, by {:.3} AUC ({:.3} to {:.3})",
            -pair.difference.value, -pair.difference.high, -pair.difference.low
        )
    })
}

/// Puts a trained model in force: a transparent one becomes the score of its outcome.
#[utoipa::path(post, path = "/api/v1/models/{id}/promotion", tag = "models", params(("id" = String, Path)), request_body = Promotion, responses((status = 200, body = Model)))]
async fn promote(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(form): Json<Promotion>,
) -> Result<Json<Model>> {
    let it = find(&app, &id).await?;
    let own = body(&it)?;
    if it.method != TRANSPARENT {
        return Err(Problem::conflict(
            "the challenger is never the score: it shows what a readable one misses. Train a transparent model and put that in force",
        ));
    }
    if it.version != form.version {
        return Err(overtaken());
    }
    if it.promoted_at.is_some() {
        return Ok(Json(shown(&app, it).await?));
    }
    let beside = report(&app, &it.backtest_id).await?.ok_or_else(|| {
        Problem::conflict("there is no back-test beside this model: train it again, which runs one")
    })?;
    if let Some(doubt) = doubts(&it, &beside).filter(|_| !form.despite) {
        return Err(Problem::conflict(format!(
            "{doubt}. Send `despite` and a `note` that says why to put it in force all the same"
        )));
    }
    if form.despite && form.note.trim().is_empty() && doubts(&it, &beside).is_some() {
        return Err(Problem::field(
            "note",
            &form.note,
            "says nothing",
            "say why it is put in force although its back-test speaks against it",
        ));
    }
    let now = app.clock.micros();
    let tx = app.store.begin().await?;
    if !store::set_force(&tx, &it, Some((now, &who.actor))).await? {
        return Err(overtaken());
    }
    become_score(&app, &tx, &who, &it, &own).await?;
    let detail = json!({ "outcome": it.outcome, "backtest": it.backtest_id, "note": form.note, "despite": form.despite });
    audit(
        &tx,
        &app.clock,
        &who,
        "model.promote",
        &format!("model:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(shown(&app, find(&app, &id).await?).await?))
}

/// Keeps the points as the form of each model of the score, and puts it in force there.
async fn become_score(app: &App, tx: &tenure_store::Tx, who: &Principal, it: &Run, own: &Body) -> Result<()> {
    let definitions = definitions(app)?;
    let Some(score) = definitions.score(&it.score) else {
        return Ok(());
    };
    let Some((_, table)) = own.tables.iter().find(|(horizon, _)| *horizon == own.horizon) else {
        return Ok(());
    };
    let before = kept::current(tx, &score.id).await?;
    for model in &score.models {
        let form = Form::Transparent(Learned {
            table: table.clone(),
            scale: own.scale,
            hand: table.hand_set.as_ref().map(|_| model.arithmetic()),
            // What is missing has points of its own, so little need be known.
            min_coverage: 0.25,
            quiet_days: model.quiet_days,
        });
        let note = format!("learnt from {} rows, model {}", it.rows, it.id);
        let new = kept::New {
            score: &score.id,
            model: &model.id,
            form: &form,
            author: &who.actor,
            note: &note,
        };
        let id = kept::insert(tx, &app.clock, &new).await?;
        let held = kept::one(tx, &id)
            .await?
            .ok_or_else(|| anyhow::anyhow!("the model was not kept"))?;
        kept::promote(tx, &app.clock, &held, &who.actor, Some(&it.backtest_id)).await?;
        let earlier = before
            .iter()
            .find(|held| held.model == model.id)
            .map(|held| held.id.as_str());
        store::note_form(tx, &it.id, &model.id, &id, earlier).await?;
    }
    Ok(())
}

/// Which version was looked at.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Looked {
    /// The version that was looked at.
    version: i64,
}

/// Takes a model out of force: what was in force before it counts again.
#[utoipa::path(delete, path = "/api/v1/models/{id}/promotion", tag = "models", params(("id" = String, Path), Looked), responses((status = 200, body = Model)))]
async fn withdraw(
    Manager(who): Manager,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(looked): Query<Looked>,
) -> Result<Json<Model>> {
    let it = find(&app, &id).await?;
    if it.version != looked.version || it.promoted_at.is_none() {
        return Err(overtaken());
    }
    let tx = app.store.begin().await?;
    if !store::set_force(&tx, &it, None).await? {
        return Err(overtaken());
    }
    for (model, _, before) in store::forms(&tx, &it.id).await? {
        let earlier = match before {
            Some(before) => kept::one(&tx, &before).await?,
            None => None,
        };
        match earlier {
            Some(held) => {
                kept::promote(&tx, &app.clock, &held, &who.actor, held.backtest_id.as_deref()).await?
            }
            None => kept::demote(&tx, &app.clock, &it.score, &model).await?,
        }
    }
    let detail = json!({ "outcome": it.outcome });
    audit(
        &tx,
        &app.clock,
        &who,
        "model.withdraw",
        &format!("model:{id}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(Json(shown(&app, find(&app, &id).await?).await?))
}
