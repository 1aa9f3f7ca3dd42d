//! Saves: notices, what was done about them, and what became of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::asked;
use super::months::{Grain, count, periods};
use super::{Amount, Paging, amounts, answer, day_text};
use crate::App;
use crate::auth::Viewer;
use crate::metrics::Entry;
use crate::metrics::facts::day_number;
use crate::revenue::rules::csv::Cell;
use crate::revenue::rules::departures::{About, Says, Signal, in_force, statements};
use crate::revenue::rules::saves::{Case, Outcome, case};
use crate::revenue::rules::{major, share};
use crate::revenue::scene::{NONE, Scene};
use crate::revenue::store::{self, Intervention};
use crate::web::{Problem, Query, Result};

asked! {
    /// Which notices.
    Asked {
        /// Notices of how many months up to the day, 1 to 60 (default 12). Of several notices of one account the last counts.
        months: Option<i32>,
        /// What they are grouped by: `owner` (of the day of the notice, default), `reason`, `segment`, `intervention` (the first one) or
        /// `author` (who recorded the save).
        by: Option<String>,
        /// Only the notices of this group.
        value: Option<String>,
        /// Only `retained`, `lost` or `open` ones.
        outcome: Option<String>,
        /// Where to go on: `next_cursor` of the page before.
        cursor: Option<String>,
        /// Rows of a page, 1 to 500 (default 50).
        limit: Option<usize>,
    }
}

/// What was done about a notice.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = SaveIntervention)]
struct Done {
    /// The event's name.
    name: String,
    /// The first day on which it happened.
    on: String,
}

/// One notice.
#[derive(Clone, Serialize, ToSchema)]
struct SaveLine {
    account_id: String,
    name: String,
    segment: Option<String>,
    /// The owner on the day of the notice.
    owner: Option<String>,
    currency: String,
    notice_on: String,
    reason: Option<String>,
    secondary: Vec<String>,
    comment: Option<String>,
    author: Option<String>,
    /// How many times a person has recorded a reason for this notice.
    version: i64,
    /// What it paid on that day; null = unknown.
    mrr: Option<f64>,
    outcome: Outcome,
    /// Whether its 90 days have passed.
    settled: bool,
    /// The day on which they pass.
    settles_on: String,
    left_on: Option<String>,
    /// What was done within 90 days, earliest first.
    done: Vec<Done>,
    /// Retained, settled and something was done: the numerator of the KPI `proactive_saves`.
    proactive: bool,
    /// When a save was recorded.
    saved_on: Option<String>,
    /// Who recorded it.
    saved_by: Option<String>,
    /// How it was done, in words.
    saved_how: Option<String>,
    /// What of its MRR it still pays 90 days later.
    mrr_saved: Option<f64>,
}

/// A group of notices.
#[derive(Serialize, ToSchema)]
struct SaveGroup {
    value: String,
    notices: i64,
    settled: i64,
    retained: i64,
    proactive: i64,
    open: i64,
    lost: i64,
    /// Proactive saves of the settled notices; null = none is settled.
    rate: Option<f64>,
    /// What the retained ones still pay of what they paid.
    mrr_saved: Vec<Amount>,
    /// What the lost ones paid.
    mrr_lost: Vec<Amount>,
    /// What the open ones pay.
    mrr_open: Vec<Amount>,
}

/// Saves.
#[derive(Serialize, ToSchema)]
#[schema(as = RevenueSaves)]
struct Answer {
    as_of: String,
    computed_at: String,
    first_day: String,
    last_day: String,
    currencies: Vec<String>,
    by: String,
    /// All notices together.
    all: SaveGroup,
    /// Most notices first.
    groups: Vec<SaveGroup>,
    /// Newest first.
    items: Vec<SaveLine>,
    total: usize,
    next_cursor: Option<String>,
}

/// One notice with its account.
struct Told<'a> {
    entry: &'a Arc<Entry>,
    currency: usize,
    on: i32,
    case: Case,
    statement: Option<&'a Signal>,
    saved: Option<&'a Signal>,
    scale: f64,
}

/// The last notice of each account within the days.
fn told(scene: &Scene, first: i32) -> Vec<Told<'_>> {
    let mut found = Vec::new();
    for (entry, currency) in &scene.accounts {
        let said = scene.said(entry.no);
        let last = said
            .iter()
            .rev()
            .find(|signal| signal.says == Says::Notice && signal.day >= first);
        let Some(on) = last.map(|signal| signal.day) else {
            continue;
        };
        if !scene.counts(entry.head.span_at(on)) {
            continue;
        }
        let life = scene.life(entry, *currency);
        found.push(Told {
            entry,
            currency: *currency,
            on,
            case: case(&life, on, scene.day),
            statement: in_force(&statements(said, About::Notice, on, on + 1)),
            saved: said
                .iter()
                .find(|signal| signal.says == Says::Saved && signal.day >= on),
            scale: life.scale,
        });
    }
    found
}

type Helped = HashMap<(i64, i32), Vec<Intervention>>;

impl Told<'_> {
    fn done<'a>(&self, helped: &'a Helped) -> &'a [Intervention] {
        helped
            .get(&(self.entry.no, self.on))
            .map_or(&[][..], Vec::as_slice)
    }

    fn proactive(&self, helped: &Helped) -> bool {
        self.case.settled && self.case.outcome == Outcome::Retained && !self.done(helped).is_empty()
    }

    fn value(&self, scene: &Scene, by: &str, helped: &Helped) -> String {
        let span = self.entry.head.span_at(self.on);
        let found = match by {
            "reason" => self.statement.and_then(|s| s.reason.clone()),
            "segment" => span.map(|s| s.segment.clone()),
            "intervention" => self.done(helped).first().map(|done| done.name.clone()),
            "author" => self
                .saved
                .and_then(|s| s.author.as_deref())
                .map(|actor| scene.person(actor)),
            _ => span.and_then(|s| s.owner.clone()),
        };
        found.unwrap_or_else(|| NONE.to_owned())
    }

    fn line(&self, scene: &Scene, helped: &Helped) -> SaveLine {
        let span = self.entry.head.span_at(self.on);
        let amount = |minor: i64| major(minor, self.scale);
        SaveLine {
            account_id: self.entry.id.clone(),
            name: self.entry.name.clone(),
            segment: span.map(|s| s.segment.clone()),
            owner: span.and_then(|s| s.owner.clone()),
            currency: scene.currencies[self.currency].clone(),
            notice_on: day_text(self.on),
            reason: self.statement.and_then(|s| s.reason.clone()),
            secondary: self.statement.map(|s| s.secondary.clone()).unwrap_or_default(),
            comment: self.statement.and_then(|s| s.comment.clone()),
            author: self
                .statement
                .and_then(|s| s.author.as_deref())
                .map(|actor| scene.person(actor)),
            version: self.statement.map_or(0, |s| s.version),
            mrr: self.case.mrr.map(amount),
            outcome: self.case.outcome,
            settled: self.case.settled,
            settles_on: day_text(self.on + crate::revenue::rules::saves::SETTLED_AFTER),
            left_on: self.case.left.map(day_text),
            done: self
                .done(helped)
                .iter()
                .map(|done| Done {
                    name: done.name.clone(),
                    on: day_text(done.day),
                })
                .collect(),
            proactive: self.proactive(helped),
            saved_on: self.saved.map(|s| day_text(s.day)),
            saved_by: self
                .saved
                .and_then(|s| s.author.as_deref())
                .map(|actor| scene.person(actor)),
            saved_how: self.saved.and_then(|s| s.comment.clone()),
            mrr_saved: self.case.saved.map(amount),
        }
    }
}

fn group(scene: &Scene, value: &str, told: &[&Told<'_>], helped: &Helped) -> SaveGroup {
    let mut money = [0, 1, 2].map(|_| vec![0_i64; scene.currencies.len()]);
    for one in told {
        match one.case.outcome {
            Outcome::Retained => money[0][one.currency] += one.case.saved.unwrap_or(0),
            Outcome::Lost => money[1][one.currency] += one.case.mrr.unwrap_or(0),
            Outcome::Open => money[2][one.currency] += one.case.mrr.unwrap_or(0),
        }
    }
    let count = |fits: &dyn Fn(&Told<'_>) -> bool| {
        i64::try_from(told.iter().filter(|one| fits(one)).count()).unwrap_or(i64::MAX)
    };
    let (settled, proactive) = (
        count(&|one| one.case.settled),
        count(&|one| one.proactive(helped)),
    );
    SaveGroup {
        value: value.to_owned(),
        notices: count(&|_| true),
        settled,
        retained: count(&|one| one.case.outcome == Outcome::Retained),
        proactive,
        open: count(&|one| one.case.outcome == Outcome::Open),
        lost: count(&|one| one.case.outcome == Outcome::Lost),
        rate: share(proactive, settled),
        mrr_saved: amounts(&scene.currencies, &money[0]),
        mrr_lost: amounts(&scene.currencies, &money[1]),
        mrr_open: amounts(&scene.currencies, &money[2]),
    }
}

const BY: [&str; 5] = ["owner", "reason", "segment", "intervention", "author"];

fn outcome(name: Option<&str>) -> Result<Option<Outcome>> {
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    [Outcome::Retained, Outcome::Lost, Outcome::Open]
        .into_iter()
        .find(|outcome| outcome.name() == name)
        .map(Some)
        .ok_or_else(|| Problem::field("outcome", name, "is not known", "ask for retained, lost or open"))
}

/// Notices, what was done about them, and what became of them: the list, the rate, what was saved, by whom and why.
#[utoipa::path(get, path = "/api/v1/revenue/saves", tag = "revenue", params(Asked), responses((status = 200, body = Answer)))]
pub async fn saves(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response> {
    let paging = Paging::of(asked.cursor.as_deref(), asked.limit, asked.format.as_deref())?;
    let months = count("months", asked.months, 12)?;
    let by = asked.by.as_deref().filter(|by| !by.is_empty()).unwrap_or("owner");
    if !BY.contains(&by) {
        return Err(Problem::field(
            "by",
            by,
            "is nothing that notices can be grouped by",
            format!("use one of {}", BY.join(", ")),
        ));
    }
    let wanted = outcome(asked.outcome.as_deref())?;
    let scene = Scene::of(&app, &asked.who()).await?;
    let first = periods(&scene, Grain::Month, months)
        .first()
        .map_or(scene.day, |period| day_number(period.first));
    let told = told(&scene, first);
    let notices: Vec<(i64, i32)> = told.iter().map(|one| (one.entry.no, one.on)).collect();
    let mut helped = store::interventions(&app, &notices).await?;
    // What was done after the day asked for is not known on it.
    for done in helped.values_mut() {
        done.retain(|done| done.day <= scene.day);
    }
    let mut by_value: BTreeMap<String, Vec<&Told<'_>>> = BTreeMap::new();
    for one in &told {
        by_value
            .entry(one.value(&scene, by, &helped))
            .or_default()
            .push(one);
    }
    let mut groups: Vec<SaveGroup> = by_value
        .iter()
        .map(|(value, told)| group(&scene, value, told, &helped))
        .collect();
    groups.sort_by(|a, b| b.notices.cmp(&a.notices).then_with(|| a.value.cmp(&b.value)));
    let all: Vec<&Told<'_>> = told.iter().collect();
    let mut shown: Vec<&Told<'_>> = all
        .iter()
        .copied()
        .filter(|one| wanted.is_none_or(|outcome| one.case.outcome == outcome))
        .filter(|one| {
            asked
                .value
                .as_ref()
                .is_none_or(|value| *value == one.value(&scene, by, &helped))
        })
        .collect();
    shown.sort_by(|a, b| {
        b.on.cmp(&a.on)
            .then(b.case.mrr.cmp(&a.case.mrr))
            .then(a.entry.no.cmp(&b.entry.no))
    });
    let (shown, total, next_cursor) = paging.cut(shown);
    let body = Answer {
        as_of: scene.date().to_string(),
        computed_at: scene.computed_at(&app),
        first_day: day_text(first),
        last_day: day_text(scene.day),
        currencies: scene.currencies.clone(),
        by: by.to_owned(),
        all: group(&scene, "all", &all, &helped),
        groups,
        items: shown.iter().map(|one| one.line(&scene, &helped)).collect(),
        total,
        next_cursor,
    };
    let head = [
        "account_id",
        "name",
        "segment",
        "owner",
        "currency",
        "mrr",
        "notice_on",
        "reason",
        "outcome",
        "done",
        "proactive",
        "mrr_saved",
        "left_on",
        "saved_by",
        "saved_how",
    ];
    Ok(answer(paging.csv, "saves", body, &head, |body| {
        body.items.iter().map(row).collect()
    }))
}

fn row(it: &SaveLine) -> Vec<Cell> {
    let done: Vec<String> = it
        .done
        .iter()
        .map(|done| format!("{} {}", done.on, done.name))
        .collect();
    vec![
        it.account_id.as_str().into(),
        it.name.as_str().into(),
        it.segment.clone().into(),
        it.owner.clone().into(),
        it.currency.as_str().into(),
        it.mrr.into(),
        it.notice_on.as_str().into(),
        it.reason.clone().into(),
        it.outcome.name().into(),
        done.join("; ").into(),
        if it.proactive { "yes" } else { "no" }.into(),
        it.mrr_saved.into(),
        it.left_on.clone().into(),
        it.saved_by.clone().into(),
        it.saved_how.clone().into(),
    ]
}
