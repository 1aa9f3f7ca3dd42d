//! The list of pairs, and saying that one is none.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::rules::Evidence;
use super::{find, store};
use crate::App;
use crate::accounts::normalise;
use crate::auth::{Csm, Viewer, audit};
use crate::metrics::as_of;
use crate::web::{Json, Problem, Query, Result};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DuplicateKind)]
pub enum Kind {
    /// Accounts.
    #[default]
    Accounts,
    /// Contacts.
    Contacts,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Contacts => "contacts",
        }
    }
}

/// Which pairs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `accounts` (as when left out) or `contacts`.
    #[param(inline)]
    kind: Option<Kind>,
    /// Those of which somebody said that they are two, instead of the others.
    dismissed: Option<bool>,
    /// How many to pass over.
    offset: Option<usize>,
    /// 1 to 200; 50 when left out.
    limit: Option<usize>,
}

/// One of two.
#[derive(Serialize, ToSchema)]
pub struct DuplicateSide {
    /// Its id.
    id: String,
    /// Its name; the id where none is known.
    name: String,
    /// The account, of a contact: its id.
    account_id: Option<String>,
    /// Its e-mail address, of a contact.
    email: Option<String>,
    /// MRR now, of an account.
    mrr: Option<f64>,
    /// Segment now, of an account.
    segment: Option<String>,
    /// Owner, of an account.
    owner: Option<String>,
    /// Whether it is an active account.
    active: bool,
}

/// Two that look like one.
#[derive(Serialize, ToSchema)]
pub struct DuplicatePair {
    one: DuplicateSide,
    other: DuplicateSide,
    /// How sure, 0 to 1.
    score: f64,
    /// What they share.
    evidence: Vec<Evidence>,
}

/// A page of pairs.
#[derive(Serialize, ToSchema)]
pub struct Duplicates {
    /// The likeliest first.
    items: Vec<DuplicatePair>,
    /// How many there are, at most 5,000.
    total: usize,
    /// When they were looked for.
    looked_at: String,
}

/// Pairs that look like one, with the evidence, the likeliest first.
#[utoipa::path(get, path = "/api/v1/duplicates", tag = "duplicates", params(Asked), responses((status = 200, body = Duplicates)))]
pub async fn list(_: Viewer, State(app): State<App>, Query(asked): Query<Asked>) -> Result<Json<Duplicates>> {
    let kind = asked.kind.unwrap_or_default();
    let found = find::found(&app).await?;
    let dismissed = store::dismissed(&app.store, kind.name()).await?;
    let wanted = asked.dismissed.unwrap_or(false);
    let pairs = match kind {
        Kind::Accounts => &found.accounts,
        Kind::Contacts => &found.contacts,
    };
    let shown = pairs
        .iter()
        .filter(|pair| dismissed.contains(&(pair.one.clone(), pair.other.clone())) == wanted);
    let mut items = Vec::new();
    for pair in shown {
        // What was merged or erased since is no pair any more.
        let (Some(one), Some(other)) = (side(&app, kind, &pair.one), side(&app, kind, &pair.other)) else {
            continue;
        };
        items.push(DuplicatePair {
            one,
            other,
            score: pair.score,
            evidence: pair.evidence.clone(),
        });
    }
    let total = items.len();
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    let mut items: Vec<DuplicatePair> = items
        .into_iter()
        .skip(asked.offset.unwrap_or(0))
        .take(limit)
        .collect();
    if kind == Kind::Contacts {
        describe(&app, &mut items).await?;
    }
    Ok(Json(Duplicates {
        items,
        total,
        looked_at: as_of::instant(found.at),
    }))
}

fn side(app: &App, kind: Kind, id: &str) -> Option<DuplicateSide> {
    let bare = |account_id: Option<String>| DuplicateSide {
        id: id.to_owned(),
        name: id.to_owned(),
        account_id,
        email: None,
        mrr: None,
        segment: None,
        owner: None,
        active: false,
    };
    if kind == Kind::Contacts {
        let known = app.accounts.contact(id).filter(|known| known.id == id)?;
        return Some(bare(app.accounts.account_id(app.accounts.root(known.account))));
    }
    let entry = app.metrics.book.get(app.accounts.number(id)?.get())?;
    let now = entry.now();
    Some(DuplicateSide {
        name: entry.name.clone(),
        mrr: now.and_then(|span| span.mrr),
        segment: now.map(|span| span.segment.clone()),
        owner: entry.owner.clone(),
        active: entry.active(),
        ..bare(None)
    })
}

/// Fills in names and addresses of contacts.
async fn describe(app: &App, items: &mut [DuplicatePair]) -> Result<()> {
    let ids: Vec<String> = items
        .iter()
        .flat_map(|pair| [pair.one.id.clone(), pair.other.id.clone()])
        .collect();
    let known = crate::contacts::by_ids(&app.store, &ids).await?;
    for side in items.iter_mut().flat_map(|pair| [&mut pair.one, &mut pair.other]) {
        if let Some(contact) = known.get(&side.id) {
            side.name = contact.name.clone().unwrap_or_else(|| side.id.clone());
            side.email.clone_from(&contact.email);
        }
    }
    Ok(())
}

/// A pair that is none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DuplicateDismissal)]
pub struct Dismissal {
    kind: Kind,
    one: String,
    other: String,
}

impl Dismissal {
    /// The ids, the lesser first, as pairs are kept.
    fn ids(&self) -> Result<(String, String)> {
        let id = |field: &str, raw: &str| {
            let id = normalise(raw).ok().flatten().map(|id| id.into_owned());
            id.ok_or_else(|| {
                Problem::field(field, raw, "is not an id", "send the id of an account or contact")
            })
        };
        let (one, other) = (id("one", &self.one)?, id("other", &self.other)?);
        match one.cmp(&other) {
            std::cmp::Ordering::Less => Ok((one, other)),
            std::cmp::Ordering::Greater => Ok((other, one)),
            std::cmp::Ordering::Equal => Err(Problem::field(
                "other",
                other,
                "is the same as `one`",
                "name two different ids",
            )),
        }
    }
}

/// Says that a pair is two, which is remembered: it is no longer shown.
#[utoipa::path(post, path = "/api/v1/duplicates/dismissals", tag = "duplicates", request_body = Dismissal, responses((status = 204)))]
pub async fn dismiss(
    Csm(who): Csm,
    State(app): State<App>,
    Json(form): Json<Dismissal>,
) -> Result<StatusCode> {
    let (one, other) = form.ids()?;
    let kind = form.kind.name();
    let tx = app.store.begin().await?;
    store::dismiss(&tx, kind, (&one, &other), app.clock.micros(), &who.actor).await?;
    let detail = json!({ "kind": kind, "one": one, "other": other });
    audit(
        &tx,
        &app.clock,
        &who,
        "duplicate.dismiss",
        &format!("{kind}:{one}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back that a pair is two.
#[utoipa::path(delete, path = "/api/v1/duplicates/dismissals", tag = "duplicates", request_body = Dismissal, responses((status = 204)))]
pub async fn restore(
    Csm(who): Csm,
    State(app): State<App>,
    Json(form): Json<Dismissal>,
) -> Result<StatusCode> {
    let (one, other) = form.ids()?;
    let kind = form.kind.name();
    let tx = app.store.begin().await?;
    store::restore(&tx, kind, (&one, &other)).await?;
    let detail = json!({ "kind": kind, "one": one, "other": other });
    audit(
        &tx,
        &app.clock,
        &who,
        "duplicate.restore",
        &format!("{kind}:{one}"),
        &detail,
    )
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
