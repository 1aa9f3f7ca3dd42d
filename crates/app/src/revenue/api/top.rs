//! The customers that pay most, with what there is to know of them at a glance.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::asked;
use super::{answer, day_text, wants_csv};
use crate::App;
use crate::auth::Viewer;
use crate::definitions::{AttributeType, Definitions};
use crate::metrics::Entry;
use crate::metrics::facts::{day_number, parse_day};
use crate::revenue::rules::csv::Cell;
use crate::revenue::rules::departures::Says;
use crate::revenue::rules::{Life, major};
use crate::revenue::scene::Scene;
use crate::revenue::store;
use crate::web::{Problem, Query, Result};

asked! {
    /// How many.
    Asked {
        /// Rows, 1 to 500 (default 100).
        limit: Option<usize>,
    }
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TopFlag {
    /// `notice`, `renewal_soon`, `renewal_passed`, `shrinking`, `no_touch`, `payment_failed`, or a doubt about its data.
    code: String,
    /// In words.
    message: String,
}

/// One customer.
#[derive(Serialize, ToSchema)]
struct TopAccount {
    rank: usize,
    account_id: String,
    name: String,
    segment: String,
    owner: Option<String>,
    currency: String,
    mrr: f64,
    /// Its part of all MRR in its currency.
    share: Option<f64>,
    /// MRR at the end of each of the last twelve months and on the day, oldest first; null = not active or unknown.
    trend: Vec<Option<f64>>,
    /// MRR against twelve months before; null = it was not there or unknown.
    change_12m: Option<f64>,
    started_on: Option<String>,
    renews_on: Option<String>,
    /// Days until then; negative = passed.
    renews_in: Option<i32>,
    /// The last message, meeting or call within 400 days.
    last_touch: Option<String>,
    days_since_touch: Option<i32>,
    flags: Vec<TopFlag>,
}

/// The customers that pay most.
#[derive(Serialize, ToSchema)]
#[schema(as = TopAccounts)]
struct Answer {
    as_of: String,
    computed_at: String,
    currencies: Vec<String>,
    /// The attribute that says when an account renews; null = the program declares none.
    renewal_attribute: Option<String>,
    /// Those of the program's currency first; amounts of different currencies are not compared.
    items: Vec<TopAccount>,
    /// Active accounts whose MRR is known.
    total: usize,
}

/// Ids under which programs keep the day of renewal.
const RENEWAL: [&str; 5] = [
    "renews_on",
    "renewal_date",
    "renewal_on",
    "renewal",
    "contract_ends_on",
];

/// How far back a touch is looked for, in days.
const TOUCH_BACK: i32 = 400;
/// Days without a touch after which a large customer is flagged.
const QUIET: i32 = 60;
/// Days before a renewal from which it is flagged.
const SOON: i32 = 90;

fn renewal_attribute(definitions: &Definitions) -> Option<String> {
    RENEWAL
        .iter()
        .filter_map(|id| definitions.attribute(id))
        .find(|attribute| attribute.kind == AttributeType::Date)
        .map(|attribute| attribute.id.clone())
}

/// What a customer is flagged with.
fn flags(
    scene: &Scene,
    entry: &Entry,
    life: &Life<'_>,
    renews: Option<i32>,
    touch: Option<i32>,
) -> Vec<TopFlag> {
    let day = scene.day;
    let mut flags = Vec::new();
    let mut flag = |code: &str, message: String| {
        flags.push(TopFlag {
            code: code.to_owned(),
            message,
        });
    };
    let said = scene.said(entry.no);
    let since = life.life_at(day).map_or(day, |(start, _)| start);
    let latest = |says: Says| {
        said.iter()
            .filter(|s| s.says == says && s.day >= since)
            .map(|s| s.day)
            .max()
    };
    if let Some(notice) = latest(Says::Notice).filter(|notice| latest(Says::Saved) < Some(*notice)) {
        flag("notice", format!("gave notice on {}", day_text(notice)));
    }
    if let Some(failed) = latest(Says::PaymentFailed).filter(|failed| day - failed <= 30) {
        flag(
            "payment_failed",
            format!("a payment failed on {}", day_text(failed)),
        );
    }
    match renews.map(|on| on - day) {
        Some(days) if days < 0 => flag("renewal_passed", format!("the renewal was {} days ago", -days)),
        Some(days) if days <= SOON => flag("renewal_soon", format!("renews in {days} days")),
        _ => {}
    }
    let before = life.on(day - 91).then(|| life.mrr(day - 91)).flatten();
    if let (Some(before), Some(now)) = (before, life.mrr(day))
        && now < before
    {
        let less = major(before - now, life.scale);
        flag(
            "shrinking",
            format!("pays {less} a month less than three months ago"),
        );
    }
    match touch.map(|on| day - on) {
        None => flag(
            "no_touch",
            format!("no message, meeting or call in {TOUCH_BACK} days"),
        ),
        Some(days) if days >= QUIET => {
            flag("no_touch", format!("no message, meeting or call for {days} days"))
        }
        Some(_) => {}
    }
    for doubt in &entry.head.flags {
        flag(&doubt.code, doubt.message.clone());
    }
    flags
}

/// The customers that pay most: owner, segment, renewal, trend, last touch and what to look at.
#[utoipa::path(get, path = "/api/v1/revenue/top", tag = "revenue", params(Asked), responses((status = 200, body = Answer)))]
pub async fn top(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Response> {
    let csv = wants_csv(asked.format.as_deref())?;
    let limit = asked.limit.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Problem::field(
            "limit",
            limit,
            "is not between 1 and 500",
            "ask for fewer rows",
        ));
    }
    let scene = Scene::of(&app, &asked.who()).await?;
    let day = scene.day;
    let mut found: Vec<(usize, f64)> = scene
        .accounts
        .iter()
        .enumerate()
        .filter_map(|(at, (entry, _))| {
            let span = entry.head.span_at(day).filter(|span| span.active)?;
            Some((at, span.mrr?)).filter(|_| scene.counts(Some(span)))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| {
        let (of_a, of_b) = (&scene.accounts[*a], &scene.accounts[*b]);
        of_a.1
            .cmp(&of_b.1)
            .then(y.total_cmp(x))
            .then(of_a.0.no.cmp(&of_b.0.no))
    });
    let total = found.len();
    let mut sums = vec![0.0; scene.currencies.len()];
    for (at, mrr) in &found {
        sums[scene.accounts[*at].1] += mrr;
    }
    found.truncate(limit);
    let nos: Vec<i64> = found.iter().map(|(at, _)| scene.accounts[*at].0.no).collect();
    let touches = store::last_touches(&app, &nos, day, TOUCH_BACK).await?;
    let attribute = renewal_attribute(&scene.definitions);
    let days: Vec<i32> = scene.month_ends(13).into_iter().map(day_number).collect();
    let items = found.iter().enumerate().map(|(rank, (at, mrr))| {
        let (entry, currency) = &scene.accounts[*at];
        let life = scene.life(entry, *currency);
        let span = entry.head.span_at(day);
        let paid = |on: i32| {
            life.on(on)
                .then(|| life.mrr(on))
                .flatten()
                .map(|minor| major(minor, life.scale))
        };
        let renews = attribute
            .as_deref()
            .and_then(|id| entry.attributes.get(id)?.as_str().and_then(parse_day));
        let touch = touches.get(&entry.no).copied();
        let trend: Vec<Option<f64>> = days.iter().map(|on| paid(*on)).collect();
        let year_before = day_number(scene.date().saturating_sub(jiff::Span::new().months(12)));
        TopAccount {
            rank: rank + 1,
            account_id: entry.id.clone(),
            name: entry.name.clone(),
            segment: span.map(|s| s.segment.clone()).unwrap_or_default(),
            owner: span.and_then(|s| s.owner.clone()),
            currency: scene.currencies[*currency].clone(),
            mrr: *mrr,
            share: Some(sums[*currency])
                .filter(|sum| *sum > 0.0)
                .map(|sum| mrr / sum),
            change_12m: paid(year_before).map(|before| mrr - before),
            trend,
            started_on: life.life_at(day).map(|(start, _)| day_text(start)),
            renews_on: renews.map(day_text),
            renews_in: renews.map(|on| on - day),
            last_touch: touch.map(day_text),
            days_since_touch: touch.map(|on| day - on),
            flags: flags(&scene, entry, &life, renews, touch),
        }
    });
    let body = Answer {
        as_of: scene.date().to_string(),
        computed_at: scene.computed_at(&app),
        currencies: scene.currencies.clone(),
        items: items.collect(),
        renewal_attribute: attribute,
        total,
    };
    let head = [
        "rank",
        "account_id",
        "name",
        "segment",
        "owner",
        "currency",
        "mrr",
        "share",
        "change_12m",
        "renews_on",
        "last_touch",
        "flags",
    ];
    Ok(answer(csv, "top-accounts", body, &head, |body| {
        body.items.iter().map(row).collect()
    }))
}

#[expect(clippy::cast_precision_loss, reason = "ranks stay far below 2^52")]
fn row(it: &TopAccount) -> Vec<Cell> {
    let flags: Vec<&str> = it.flags.iter().map(|flag| flag.message.as_str()).collect();
    vec![
        Cell::Number(it.rank as f64),
        it.account_id.as_str().into(),
        it.name.as_str().into(),
        it.segment.as_str().into(),
        it.owner.clone().into(),
        it.currency.as_str().into(),
        it.mrr.into(),
        it.share.into(),
        it.change_12m.into(),
        it.renews_on.clone().into(),
        it.last_touch.clone().into(),
        flags.join("; ").into(),
    ]
}
