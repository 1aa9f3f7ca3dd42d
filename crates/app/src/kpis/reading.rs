//! Many figures at once: kept ones where they exist, the others computed together and remembered.
//!
//! A page of figures says everything that it [`Want`]s and gets [`Readings`]. What is computed for it stays in the [`Memo`], and in the
//! records (`kpi_splits`) over a new start, until the reactor of this slice sees a change that touches it, or a program is applied by
//! which it would be computed otherwise; so a page costs a computation once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use jiff::civil::Date;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::engine::{ALL, By, Only, days_at_once, figures_of};
use super::looked::hangs_on_all;
use super::reactor::{Due, scopes};
use super::reads::Reads;
use super::stats::{Figure, Sums, figure};
use super::store::{self, Kept, Split};
use crate::App;
use crate::definitions::{Definitions, Kpi, kpi_prints};
use crate::scores::stages::Stages;

/// Figures of one KPI, split and restricted, on some days.
#[derive(Clone, Debug)]
pub struct Want {
    /// The KPI's id.
    pub kpi: String,
    /// The days.
    pub days: Vec<Date>,
    /// What it is split by.
    pub by: By,
    /// Which accounts count.
    pub only: Only,
}

impl Want {
    /// The same whoever the owner is, split by owner.
    fn of_every_owner(&self) -> Self {
        Self {
            by: By::Owner,
            only: Only {
                owner: None,
                ..self.only.clone()
            },
            ..self.clone()
        }
    }
}

/// The figures of one KPI and day, by scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// Scope and figure; `all` among them, first the scopes that are always there.
    pub figures: Vec<(String, Figure)>,
    /// When they were computed, UTC microseconds.
    pub computed_at: i64,
}

impl Cells {
    /// The figure of a scope.
    #[must_use]
    pub fn figure(&self, scope: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|(name, _)| name == scope)
            .map(|(_, figure)| figure)
    }
}

/// KPI, day, split, restriction.
type Key = (String, Date, By, Only);

/// Figures held in memory at most; beyond it the memory starts anew.
const MOST_FIGURES: usize = 300_000;

/// Figures that were computed when asked for.
#[derive(Default)]
pub struct Memo {
    held: Mutex<Held>,
    /// Wakes after every round of the reactor.
    rounds: watch::Sender<u64>,
    /// Counts what was forgotten, so that what was being computed meanwhile is not kept.
    forgotten: AtomicU64,
    /// One page computes at a time: the next one finds most of what it wants.
    turn: tokio::sync::Mutex<()>,
    /// The same for what is computed ahead of pages.
    ahead: tokio::sync::Mutex<()>,
    /// By the facts' SQL, whether those of an account depend on that account alone.
    pub(super) alone: Mutex<HashMap<String, bool>>,
    /// By the facts' SQL, what they read.
    pub(super) reads: Mutex<HashMap<String, Reads>>,
    /// Held while figures go into the records or out of them, so that nothing goes in that was forgotten meanwhile.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    definitions: Option<Arc<Definitions>>,
    /// By what each KPI's figures were computed.
    prints: Arc<BTreeMap<String, String>>,
    cells: HashMap<Key, Arc<Cells>>,
    figures: usize,
}

impl Memo {
    /// Wakes whenever kept figures have been brought up to date.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    pub(super) fn announce(&self) {
        self.rounds.send_modify(|rounds| *rounds += 1);
    }

    /// Forgets what is due to be computed again, in memory and in the records.
    pub(super) async fn forget(app: &App, definitions: &Definitions, due: &Due<'_>) -> Result<()> {
        let gone = |kpi: &str, day: Date| definitions.kpi(kpi).is_none_or(|kpi| due.touches(kpi, day));
        {
            let mut held = app.kpis.held.lock();
            app.kpis.forgotten.fetch_add(1, Ordering::SeqCst);
            held.cells.retain(|(kpi, day, by, _), _| {
                let described = due.attributes() && matches!(by, By::Attribute(_) | By::Stage(_));
                !gone(kpi, *day) && !described
            });
            held.count();
        }
        let _writing = app.kpis.writing.lock().await;
        let places = store::split_places(&app.store).await?;
        let tx = app.store.begin().await?;
        for (kpi, day) in places.iter().filter(|(kpi, day)| gone(kpi, *day)) {
            store::forget_split(&tx, kpi, *day).await?;
        }
        if due.attributes() {
            for way in [BY_ATTRIBUTE, BY_STAGE] {
                store::forget_ways(&tx, &format!("[[\"{way}\",")).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// By what the KPIs of these definitions are computed. What was computed otherwise is let go.
    pub(super) fn prints(&self, definitions: &Arc<Definitions>) -> Arc<BTreeMap<String, String>> {
        let mut held = self.held.lock();
        let current = |of: &Arc<Definitions>| Arc::ptr_eq(of, definitions);
        if !held.definitions.as_ref().is_some_and(current) {
            let prints = kpi_prints(definitions);
            let before = std::mem::replace(&mut held.prints, Arc::new(prints.clone()));
            held.cells.retain(|(kpi, ..), _| {
                before
                    .get(kpi)
                    .is_some_and(|print| prints.get(kpi) == Some(print))
            });
            held.count();
            held.definitions = Some(Arc::clone(definitions));
        }
        Arc::clone(&held.prints)
    }

    fn get(&self, definitions: &Arc<Definitions>, key: &Key) -> Option<Arc<Cells>> {
        let held = self.held.lock();
        let current = held
            .definitions
            .as_ref()
            .is_some_and(|of| Arc::ptr_eq(of, definitions));
        current.then(|| held.cells.get(key).cloned()).flatten()
    }

    fn put(&self, definitions: &Arc<Definitions>, generation: u64, found: &HashMap<Key, Arc<Cells>>) {
        let mut held = self.held.lock();
        let current = held
            .definitions
            .as_ref()
            .is_some_and(|of| Arc::ptr_eq(of, definitions));
        if !current || self.forgotten.load(Ordering::SeqCst) != generation {
            return;
        }
        for (key, cells) in found {
            if held.figures + cells.figures.len() > MOST_FIGURES {
                held.cells.clear();
                held.figures = 0;
            }
            held.figures += cells.figures.len();
            held.cells.insert(key.clone(), Arc::clone(cells));
        }
    }
}

impl Held {
    fn count(&mut self) {
        self.figures = self.cells.values().map(|cells| cells.figures.len()).sum();
    }
}

/// What was wanted.
#[derive(Default)]
pub struct Readings(HashMap<Key, Arc<Cells>>);

impl Readings {
    /// Reads everything that is wanted. KPIs that wait for their facts, and ids that no KPI has, give nothing.
    ///
    /// One owner's figures of a KPI that hangs on all accounts are taken from the split by owner, which is worked out once for all owners.
    ///
    /// # Errors
    /// When history or records fail.
    pub async fn load(app: &App, definitions: &Arc<Definitions>, wants: &[Want]) -> Result<Self> {
        let (mut asked, mut shared) = (Vec::with_capacity(wants.len()), Vec::new());
        for want in wants {
            let of_owner = want.by == By::Nothing && want.only.owner.is_some();
            let kpi = definitions.kpi(&want.kpi).filter(|_| of_owner);
            match kpi {
                Some(kpi) if hangs_on_all(app, definitions, kpi).await? => {
                    asked.push(want.of_every_owner());
                    shared.push((kpi, want));
                }
                _ => asked.push(want.clone()),
            }
        }
        let mut found = Self::load_as_asked(app, definitions, &asked, &app.kpis.turn).await?;
        for (kpi, want) in shared {
            let owner = want.only.owner.as_deref().unwrap_or(ALL);
            let every = want.of_every_owner();
            for day in &want.days {
                let Some(cells) = found.get(&every.kpi, *day, &every.by, &every.only) else {
                    continue;
                };
                let nothing = || figure(&Sums::default(), kpi.value, kpi.proportion);
                let cells = Cells {
                    figures: vec![(
                        ALL.to_owned(),
                        cells.figure(owner).cloned().unwrap_or_else(nothing),
                    )],
                    computed_at: cells.computed_at,
                };
                let way = Way::of(&want.by, &want.only);
                let key = (want.kpi.clone(), *day, way.by(), way.only());
                found.0.entry(key).or_insert_with(|| Arc::new(cells));
            }
        }
        Ok(found)
    }

    /// Works out ahead what any owner's page asks for that costs as much as everybody's.
    ///
    /// # Errors
    /// When history or records fail.
    pub async fn make_ready(app: &App, definitions: &Arc<Definitions>, wants: &[Want]) -> Result<()> {
        let mut asked = Vec::new();
        for want in wants
            .iter()
            .filter(|want| want.by == By::Nothing && want.only.owner.is_none())
        {
            if let Some(kpi) = definitions.kpi(&want.kpi)
                && hangs_on_all(app, definitions, kpi).await?
            {
                asked.push(want.of_every_owner());
            }
        }
        // Nobody waits for it, so nobody who asks for something else waits behind it.
        let found = Self::load_as_asked(app, definitions, &asked, &app.kpis.ahead).await;
        found.map(drop)
    }

    async fn load_as_asked(
        app: &App,
        definitions: &Arc<Definitions>,
        wants: &[Want],
        turn: &tokio::sync::Mutex<()>,
    ) -> Result<Self> {
        let mut wanted: BTreeMap<(Way, Date), BTreeSet<&str>> = BTreeMap::new();
        for want in wants {
            let known = definitions.kpi(&want.kpi).is_some_and(|kpi| kpi.facts.is_some());
            for day in want.days.iter().filter(|_| known) {
                let way = Way::of(&want.by, &want.only);
                wanted.entry((way, *day)).or_default().insert(&want.kpi);
            }
        }
        let mut found = Self(kept(app, &wanted).await?);
        let missing = |found: &Self| -> Vec<Key> {
            let keys = wanted.iter().flat_map(|((way, day), kpis)| {
                kpis.iter()
                    .map(|kpi| ((*kpi).to_owned(), *day, way.by(), way.only()))
            });
            keys.filter(|key| !found.0.contains_key(key)).collect()
        };
        let prints = app.kpis.prints(definitions);
        let recall = |found: &mut Self| {
            for key in missing(found) {
                if let Some(cells) = app.kpis.get(definitions, &key) {
                    found.0.insert(key, cells);
                }
            }
        };
        recall(&mut found);
        if missing(&found).is_empty() {
            return Ok(found);
        }
        let generation = app.kpis.forgotten.load(Ordering::SeqCst);
        let held = remembered(app, &prints, &missing(&found)).await?;
        app.kpis.put(definitions, generation, &held);
        found.0.extend(held);
        if missing(&found).is_empty() {
            return Ok(found);
        }
        let _turn = turn.lock().await;
        recall(&mut found);
        compute(app, definitions, &prints, missing(&found), &mut found.0).await?;
        Ok(found)
    }

    /// The figures of one KPI and day. Without a split, and by segment, they hold `all` and the segments.
    #[must_use]
    pub fn get(&self, kpi: &str, day: Date, by: &By, only: &Only) -> Option<&Cells> {
        let way = Way::of(by, only);
        self.0
            .get(&(kpi.to_owned(), day, way.by(), way.only()))
            .map(Arc::as_ref)
    }

    /// The one figure of a KPI and day for some accounts.
    #[must_use]
    pub fn one(&self, kpi: &str, day: Date, only: &Only) -> Option<(&Figure, i64)> {
        let cells = self.get(kpi, day, &By::Nothing, only)?;
        let scope = match (&only.segment, &only.owner) {
            (Some(segment), None) => segment,
            _ => ALL,
        };
        cells.figure(scope).map(|figure| (figure, cells.computed_at))
    }
}

/// How figures are read. Those of all accounts and of segments are kept together, so each stands for both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    by: WayBy,
    segment: Option<String>,
    owner: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum WayBy {
    Segment,
    Owner,
    Stage(Stages),
    Attribute(String),
    Item,
}

impl Way {
    fn of(by: &By, only: &Only) -> Self {
        let plain = matches!(by, By::Nothing | By::Segment) && only.owner.is_none();
        Self {
            by: match by {
                By::Nothing | By::Segment => WayBy::Segment,
                By::Owner => WayBy::Owner,
                By::Stage(stages) => WayBy::Stage(stages.clone()),
                By::Attribute(id) => WayBy::Attribute(id.clone()),
                By::Item => WayBy::Item,
            },
            segment: only.segment.clone().filter(|_| !plain),
            owner: only.owner.clone(),
        }
    }

    fn by(&self) -> By {
        match &self.by {
            WayBy::Segment => By::Segment,
            WayBy::Owner => By::Owner,
            WayBy::Stage(stages) => By::Stage(stages.clone()),
            WayBy::Attribute(id) => By::Attribute(id.clone()),
            WayBy::Item => By::Item,
        }
    }

    fn only(&self) -> Only {
        Only {
            segment: self.segment.clone(),
            owner: self.owner.clone(),
        }
    }

    /// Whether the reactor keeps such figures.
    fn is_kept(&self) -> bool {
        self.by == WayBy::Segment && self.segment.is_none() && self.owner.is_none()
    }
}

type Wanted<'w> = BTreeMap<(Way, Date), BTreeSet<&'w str>>;

async fn kept(app: &App, wanted: &Wanted<'_>) -> Result<HashMap<Key, Arc<Cells>>> {
    let plain: Vec<_> = wanted.iter().filter(|((way, _), _)| way.is_kept()).collect();
    let days = plain.iter().map(|((_, day), _)| *day);
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(HashMap::new());
    };
    let kpis: BTreeSet<&str> = plain.iter().flat_map(|(_, kpis)| kpis.iter().copied()).collect();
    let kpis: Vec<&str> = kpis.into_iter().collect();
    let mut cells: HashMap<Key, Cells> = HashMap::new();
    for Kept {
        kpi,
        day,
        scope,
        figure,
        computed_at,
    } in store::of_kpis(&app.store, &kpis, first, last).await?
    {
        let held = cells
            .entry((kpi, day, By::Segment, Only::default()))
            .or_insert_with(|| Cells {
                figures: Vec::new(),
                computed_at,
            });
        held.figures.push((scope, figure));
        held.computed_at = held.computed_at.min(computed_at);
    }
    Ok(cells
        .into_iter()
        .map(|(key, cells)| (key, Arc::new(cells)))
        .collect())
}

/// What earlier computations of these figures left in the records.
async fn remembered(
    app: &App,
    prints: &BTreeMap<String, String>,
    missing: &[Key],
) -> Result<HashMap<Key, Arc<Cells>>> {
    let days = missing.iter().map(|(_, day, _, _)| *day);
    let (Some(first), Some(last)) = (days.clone().min(), days.max()) else {
        return Ok(HashMap::new());
    };
    let kpis: BTreeSet<&str> = missing.iter().map(|(kpi, ..)| kpi.as_str()).collect();
    let kpis: Vec<&str> = kpis.into_iter().collect();
    let mut wanted: HashMap<(&str, Date, String), &Key> = HashMap::new();
    let mut ways: BTreeSet<String> = BTreeSet::new();
    for key in missing {
        let way = way_name(&key.2, &key.3);
        ways.insert(way.clone());
        wanted.insert((&key.0, key.1, way), key);
    }
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    let mut found = HashMap::new();
    for split in store::splits(&app.store, &kpis, &ways, (first, last)).await? {
        let Some(key) = wanted.get(&(split.kpi.as_str(), split.day, split.way)) else {
            continue;
        };
        if prints.get(&split.kpi) == Some(&split.print) {
            let cells = Cells {
                figures: split.figures,
                computed_at: split.computed_at,
            };
            found.insert((*key).clone(), Arc::new(cells));
        }
    }
    Ok(found)
}

/// How the name of a split by attribute begins.
const BY_ATTRIBUTE: &str = "attribute";

/// How the name of a split by stage begins. What accounts' stages were is in it: those that a change made others are asked for by another.
const BY_STAGE: &str = "stage";

/// A split and a restriction as the records name them.
fn way_name(by: &By, only: &Only) -> String {
    let by = match by {
        By::Nothing | By::Segment => ["segment", ""],
        By::Owner => ["owner", ""],
        By::Stage(stages) => [BY_STAGE, stages.print()],
        By::Attribute(id) => [BY_ATTRIBUTE, id],
        By::Item => ["item", ""],
    };
    serde_json::json!([by, only.segment, only.owner]).to_string()
}

/// Computes in passes that fit into memory and remembers each, so that a request that is given up has not worked for nothing.
async fn compute(
    app: &App,
    definitions: &Arc<Definitions>,
    prints: &BTreeMap<String, String>,
    missing: Vec<Key>,
    found: &mut HashMap<Key, Arc<Cells>>,
) -> Result<()> {
    // KPIs that miss the same days, split and restricted alike, are computed together.
    let mut days_of: HashMap<(String, By, Only), BTreeSet<Date>> = HashMap::new();
    for (kpi, day, by, only) in missing {
        days_of.entry((kpi, by, only)).or_default().insert(day);
    }
    let mut groups: HashMap<(By, Only, Vec<Date>), Vec<String>> = HashMap::new();
    for ((kpi, by, only), days) in days_of {
        groups
            .entry((by, only, days.into_iter().collect()))
            .or_default()
            .push(kpi);
    }
    let always = scopes(definitions);
    for ((by, only, days), mut ids) in groups {
        ids.sort();
        let kpis: Vec<&Kpi> = ids.iter().filter_map(|id| definitions.kpi(id)).collect();
        let listed = if by == By::Segment && only.segment.is_none() {
            always.as_slice()
        } else {
            &[]
        };
        // Of some accounts everything fits at once.
        let at_once = match only == Only::default() {
            true => days_at_once(days.len(), app.metrics.book.len()),
            false => days.len(),
        };
        for days in days.chunks(at_once) {
            let generation = app.kpis.forgotten.load(Ordering::SeqCst);
            let now = app.clock.micros();
            let mut pass: HashMap<Key, Cells> = HashMap::new();
            for cell in figures_of(app, definitions, &kpis, days, &by, listed, &only).await? {
                let key = (cell.kpi, cell.period.day, by.clone(), only.clone());
                let held = pass.entry(key).or_insert_with(|| Cells {
                    figures: Vec::new(),
                    computed_at: now,
                });
                held.figures.push((cell.scope, cell.figure));
            }
            let pass: HashMap<Key, Arc<Cells>> = pass
                .into_iter()
                .map(|(key, cells)| (key, Arc::new(cells)))
                .collect();
            app.kpis.put(definitions, generation, &pass);
            // The answer is there; that it could not be kept costs the next start a computation, not the reader their page.
            if let Err(error) = remember(app, prints, generation, &pass).await {
                tracing::warn!(error = %format!("{error:#}"), "computed figures could not be kept");
            }
            found.extend(pass);
        }
    }
    Ok(())
}

/// Keeps what was computed in the records, unless something that it looked at changed meanwhile.
async fn remember(
    app: &App,
    prints: &BTreeMap<String, String>,
    generation: u64,
    pass: &HashMap<Key, Arc<Cells>>,
) -> Result<()> {
    let _writing = app.kpis.writing.lock().await;
    if app.kpis.forgotten.load(Ordering::SeqCst) != generation {
        return Ok(());
    }
    let splits: Vec<Split> = pass
        .iter()
        .filter_map(|((kpi, day, by, only), cells)| {
            Some(Split {
                kpi: kpi.clone(),
                day: *day,
                way: way_name(by, only),
                print: prints.get(kpi)?.clone(),
                computed_at: cells.computed_at,
                figures: cells.figures.clone(),
            })
        })
        .collect();
    let tx = app.store.begin().await?;
    store::put_splits(&tx, &splits).await?;
    tx.commit().await?;
    Ok(())
}
