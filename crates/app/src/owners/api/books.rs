//! Who has what: all owners, one owner's book, and the accounts that nobody looks after.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::book::{self, Cadence, Renewal};
use super::super::handover::{self, Line as Handover, Of};
use super::super::settings::OwnerSettings;
use super::super::{NOBODY, POOL, store};
use super::current;
use crate::App;
use crate::auth::Viewer;
use crate::definitions::Definitions;
use crate::metrics::facts::date_of;
use crate::metrics::{Entry, as_of};
use crate::web::{Json, Path, Problem, Query, Result};

/// Days within which a renewal is coming.
const COMING: i32 = 90;

/// An owner's book in figures.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = OwnerLine)]
pub struct OwnerLine {
    /// E-mail address, `pool:ID`, or `(none)` for accounts without an owner.
    owner: String,
    /// What people read.
    name: String,
    /// user, person, pool or nobody.
    kind: &'static str,
    /// Away: rules give nothing.
    away: bool,
    /// The most accounts that rules give.
    capacity: Option<u32>,
    /// Active accounts.
    accounts: usize,
    /// Σ MRR of them.
    mrr: f64,
    /// Active accounts by segment.
    segments: BTreeMap<String, usize>,
    /// Of them in segments that the owner does not serve.
    unserved: usize,
    /// Contracts that renew within 90 days, and their MRR.
    renewals: usize,
    renewals_mrr: f64,
    /// Of them with a day that no source says.
    renewals_estimated: usize,
    /// Accounts without a touch within the segment's cadence; null = cannot be said.
    not_managed: Option<usize>,
    /// Open hand-overs to this owner.
    handovers: i64,
}

/// All owners.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnerList)]
pub struct Owners {
    as_of: String,
    computed_at: String,
    currency: String,
    /// By MRR, the largest first; accounts without an owner last.
    owners: Vec<OwnerLine>,
    /// Why `not_managed` cannot be said, where it cannot.
    cadence_gap: Option<String>,
}

/// Everything that lines are made of.
struct Books {
    day: i32,
    definitions: Arc<Definitions>,
    settings: OwnerSettings,
    users: HashMap<String, String>,
    handovers: HashMap<String, i64>,
    cadence: Cadence,
    entries: Vec<Arc<Entry>>,
}

async fn open(app: &App) -> Result<Books> {
    let definitions = app
        .definitions()
        .ok_or_else(|| Problem::conflict("no program is applied yet"))?;
    let (day, entries) = book::entries(app);
    let users = crate::auth::people(app).await?;
    let handovers = store::open_by_owner(&app.store).await?;
    Ok(Books {
        day,
        cadence: Cadence::of(&definitions),
        definitions,
        settings: current(app).await?.1,
        users: users
            .into_iter()
            .filter(|user| user.active)
            .map(|user| (user.email, user.name))
            .collect(),
        handovers: handovers
            .into_iter()
            .filter_map(|(owner, n)| Some((owner?, n)))
            .collect(),
        entries,
    })
}

impl Books {
    fn empty(&self, owner: &str) -> OwnerLine {
        let kind = match owner {
            NOBODY => "nobody",
            _ if owner.starts_with(POOL) => "pool",
            _ if self.users.contains_key(owner) => "user",
            _ => "person",
        };
        let person = self.settings.person(owner);
        let name = self
            .settings
            .name_of(owner)
            .or_else(|| self.users.get(owner).map(String::as_str))
            .unwrap_or(if owner == NOBODY { "Nobody" } else { owner });
        OwnerLine {
            owner: owner.to_owned(),
            name: name.to_owned(),
            kind,
            away: person.is_some_and(|person| person.away),
            capacity: person.and_then(|person| person.capacity),
            accounts: 0,
            mrr: 0.0,
            segments: BTreeMap::new(),
            unserved: 0,
            renewals: 0,
            renewals_mrr: 0.0,
            renewals_estimated: 0,
            not_managed: self.cadence.gap().is_none().then_some(0),
            handovers: self.handovers.get(owner).copied().unwrap_or(0),
        }
    }

    fn count(&self, line: &mut OwnerLine, entry: &Entry) {
        let Some(span) = entry.now().filter(|span| span.active) else {
            return;
        };
        let mrr = span.mrr.unwrap_or(0.0);
        line.accounts += 1;
        line.mrr += mrr;
        *line.segments.entry(span.segment.clone()).or_default() += 1;
        if line.kind != "nobody" && !self.settings.serves(&line.owner, &span.segment) {
            line.unserved += 1;
        }
        if let Some((on, renewal)) = book::renewal(entry, self.day)
            && (self.day..=self.day + COMING).contains(&on)
        {
            line.renewals += 1;
            line.renewals_mrr += mrr;
            line.renewals_estimated += usize::from(renewal.estimated);
        }
        if self.cadence.neglected(entry, self.day).is_some() {
            line.not_managed = line.not_managed.map(|n| n + 1);
        }
    }

    fn computed_at(&self) -> String {
        let oldest = self.entries.iter().map(|entry| entry.computed_at).min();
        as_of::instant(oldest.unwrap_or(0))
    }
}

/// Every owner with their book of business: users, people, pools, and whoever accounts name.
#[utoipa::path(get, path = "/api/v1/owners", tag = "owners", responses((status = 200, body = Owners)))]
pub async fn list(_: Viewer, State(app): State<App>) -> Result<Json<Owners>> {
    let books = open(&app).await?;
    let mut lines: HashMap<String, OwnerLine> = HashMap::new();
    let mut names: BTreeSet<String> = books.settings.people.iter().map(|p| p.email.clone()).collect();
    names.extend(books.settings.pools.iter().map(|p| format!("{POOL}{}", p.id)));
    names.insert(NOBODY.to_owned());
    for owner in names {
        lines.insert(owner.clone(), books.empty(&owner));
    }
    for entry in &books.entries {
        let owner = entry.owner.as_deref().unwrap_or(NOBODY);
        if let Some(line) = lines.get_mut(owner) {
            books.count(line, entry);
        } else {
            let mut line = books.empty(owner);
            books.count(&mut line, entry);
            lines.insert(owner.to_owned(), line);
        }
    }
    let mut owners: Vec<OwnerLine> = lines.into_values().collect();
    owners.sort_by(|a, b| {
        (a.kind == "nobody")
            .cmp(&(b.kind == "nobody"))
            .then(b.mrr.total_cmp(&a.mrr))
            .then_with(|| a.owner.cmp(&b.owner))
    });
    Ok(Json(Owners {
        as_of: date_of(books.day).to_string(),
        computed_at: books.computed_at(),
        currency: books.definitions.program.currency.clone(),
        owners,
        cadence_gap: books.cadence.gap(),
    }))
}

/// An account that asks for attention.
#[derive(Serialize, ToSchema)]
#[schema(as = AttentionLine)]
pub struct AttentionLine {
    account_id: String,
    name: String,
    segment: String,
    owner: Option<String>,
    mrr: Option<f64>,
    /// Days since the last touch; null = there never was one.
    days_since_touch: Option<i64>,
    /// The most that its segment allows, where it declares a cadence.
    cadence: Option<u32>,
    /// When it renews.
    renewal: Option<Renewal>,
}

fn attention(books: &Books, entry: &Entry) -> AttentionLine {
    let span = entry.now();
    let neglected = books.cadence.neglected(entry, books.day);
    AttentionLine {
        account_id: entry.id.clone(),
        name: entry.name.clone(),
        segment: span.map(|s| s.segment.clone()).unwrap_or_default(),
        owner: entry.owner.clone(),
        mrr: span.and_then(|s| s.mrr),
        days_since_touch: neglected.as_ref().and_then(|it| it.days),
        cadence: neglected.map(|it| it.cadence),
        renewal: book::renewal(entry, books.day).map(|it| it.1),
    }
}

/// One owner's book.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnerBook)]
pub struct OwnerPage {
    as_of: String,
    computed_at: String,
    currency: String,
    line: OwnerLine,
    /// Members, of a pool.
    members: Vec<String>,
    /// Renewals of the next 90 days, the earliest first; at most 100.
    renewals: Vec<AttentionLine>,
    /// Accounts without a touch within the segment's cadence, the largest MRR first; at most 100.
    not_managed: Vec<AttentionLine>,
    /// Open hand-overs to this owner.
    handovers: Vec<Handover>,
    cadence_gap: Option<String>,
}

/// One owner's book of business.
#[utoipa::path(get, path = "/api/v1/owners/{owner}/book", tag = "owners", params(("owner" = String, Path, description = "An e-mail address, `pool:ID` or `(none)`")), responses((status = 200, body = OwnerPage)))]
pub async fn book(_: Viewer, State(app): State<App>, Path(owner): Path<String>) -> Result<Json<OwnerPage>> {
    let books = open(&app).await?;
    let mut line = books.empty(&owner);
    let held = |entry: &&Arc<Entry>| entry.owner.as_deref().unwrap_or(NOBODY) == owner;
    let mine: Vec<&Arc<Entry>> = books.entries.iter().filter(held).collect();
    let known = !mine.is_empty()
        || owner == NOBODY
        || books.users.contains_key(&owner)
        || books.settings.person(&owner).is_some()
        || books.settings.pool(&owner).is_some();
    if !known {
        return Err(Problem::not_found(format!(
            "nobody is known as {owner}: GET /api/v1/owners lists all owners"
        )));
    }
    for entry in &mine {
        books.count(&mut line, entry);
    }
    let mut coming: Vec<(i32, &Arc<Entry>)> = mine
        .iter()
        .filter_map(|entry| Some((book::renewal(entry, books.day)?.0, *entry)))
        .filter(|(on, _)| (books.day..=books.day + COMING).contains(on))
        .collect();
    coming.sort_by_key(|(on, entry)| (*on, entry.no));
    let handovers = handover::list(&app, Of::Owner(&owner), 100).await?;
    Ok(Json(OwnerPage {
        as_of: date_of(books.day).to_string(),
        computed_at: books.computed_at(),
        currency: books.definitions.program.currency.clone(),
        members: books
            .settings
            .pool(&owner)
            .map(|pool| pool.members.clone())
            .unwrap_or_default(),
        renewals: coming
            .into_iter()
            .take(100)
            .map(|(_, entry)| attention(&books, entry))
            .collect(),
        not_managed: neglected(&books, mine.into_iter())
            .into_iter()
            .take(100)
            .map(|entry| attention(&books, entry))
            .collect(),
        handovers,
        cadence_gap: books.cadence.gap(),
        line,
    }))
}

/// The neglected ones, the largest MRR first.
fn neglected<'a>(books: &Books, entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<&'a Arc<Entry>> {
    by_mrr(entries.filter(|entry| books.cadence.neglected(entry, books.day).is_some()))
}

fn by_mrr<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<&'a Arc<Entry>> {
    let mut found: Vec<_> = entries.collect();
    let mrr = |entry: &Entry| entry.now().and_then(|span| span.mrr).unwrap_or(-1.0);
    found.sort_by(|a, b| mrr(b).total_cmp(&mrr(a)).then(a.no.cmp(&b.no)));
    found
}

/// Which accounts.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AttentionView)]
pub enum View {
    /// Active accounts without an owner.
    Unassigned,
    /// Active accounts without a touch within their segment's cadence.
    NotManaged,
    /// Active accounts whose owner does not serve their segment.
    Unserved,
}

/// Which accounts, and where to go on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    #[param(inline)]
    view: View,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 500; 100 when left out.
    limit: Option<u32>,
}

/// Accounts that ask for attention, the largest MRR first.
#[derive(Serialize, ToSchema)]
#[schema(as = AttentionList)]
pub struct Attention {
    as_of: String,
    computed_at: String,
    currency: String,
    items: Vec<AttentionLine>,
    total: usize,
    next_cursor: Option<String>,
    /// Why nothing can be said, where nothing can.
    gap: Option<String>,
}

/// Accounts that nobody has, nobody touches, or whose owner does not serve their segment.
#[utoipa::path(get, path = "/api/v1/owners/attention", tag = "owners", params(Asked), responses((status = 200, body = Attention)))]
pub async fn attention_list(
    _: Viewer,
    State(app): State<App>,
    Query(asked): Query<Asked>,
) -> Result<Json<Attention>> {
    let books = open(&app).await?;
    let offset: usize = match asked.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| {
            let remedy = "send `next_cursor` of the page before, unchanged";
            Problem::field("cursor", cursor, "is not a cursor", remedy)
        })?,
    };
    let limit = asked.limit.unwrap_or(100).clamp(1, 500) as usize;
    let active = books.entries.iter().filter(|entry| entry.active());
    let found = match asked.view {
        View::Unassigned => by_mrr(active.filter(|entry| entry.owner.is_none())),
        View::NotManaged => neglected(&books, active),
        View::Unserved => by_mrr(active.filter(|entry| {
            let segment = entry.now().map_or("", |span| span.segment.as_str());
            let owner = entry.owner.as_deref();
            owner.is_some_and(|owner| !books.settings.serves(owner, segment))
        })),
    };
    let total = found.len();
    let items: Vec<AttentionLine> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(|entry| attention(&books, entry))
        .collect();
    let next = offset.saturating_add(items.len());
    Ok(Json(Attention {
        as_of: date_of(books.day).to_string(),
        computed_at: books.computed_at(),
        currency: books.definitions.program.currency.clone(),
        items,
        total,
        next_cursor: (next < total).then(|| next.to_string()),
        gap: match asked.view {
            View::NotManaged => books.cadence.gap(),
            View::Unassigned | View::Unserved => None,
        },
    }))
}
