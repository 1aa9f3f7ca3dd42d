//! A random history: equal to plain loops, and equal to itself however it arrives.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{Date, date};

use super::super::engine::{self, By};
use super::naive::Model;
use super::world::{Arrival, world};
use super::{apply, figures, medtrainer, naive_kpis, same, store};
use crate::definitions::{Kpi, KpiValue};
use crate::metrics::{Entry, Span};
use crate::testing::TestApp;

const SEGMENTS: [&str; 4] = ["all", "strategic", "core", "digital"];
const TODAY: Date = date(2026, 6, 30);

/// Stores what arrives, in its order.
pub(crate) async fn arrive(app: &TestApp, arrivals: &[Arrival]) {
    // What arrives in one call is stored changes first; a run of one sort keeps the order.
    for run in arrivals.chunk_by(|a, b| matches!(a, Arrival::Event(_)) == matches!(b, Arrival::Event(_))) {
        let (mut events, mut changes) = (Vec::new(), Vec::new());
        for it in run {
            match it {
                Arrival::Event(event) => events.push(event.clone()),
                Arrival::Change(change) => changes.push(change.clone()),
            }
        }
        store(app, events, changes).await;
    }
}

/// An account's spans, metrics, why it is in its segment, and doubts.
pub(crate) type Known = (Vec<Span>, Vec<String>, String, Vec<String>);

/// What is known of each account, by its id (numbers are given in the order of arrival).
pub(crate) fn accounts(app: &TestApp) -> BTreeMap<String, Known> {
    let show = |e: &Entry| {
        let metrics = e.head.metrics.iter().map(|m| format!("{m:?}")).collect();
        let flags = e.head.flags.iter().map(|f| f.code.clone()).collect();
        (e.head.spans.clone(), metrics, e.head.why.clone(), flags)
    };
    app.metrics
        .book
        .all()
        .iter()
        .map(|e| (e.id.clone(), show(e)))
        .collect()
}

fn compare(
    got: &BTreeMap<(String, String), Option<f64>>,
    want: &BTreeMap<(String, String), Option<f64>>,
    what: &str,
) {
    let wrong: Vec<String> = want
        .iter()
        .filter(|(key, value)| !same(got.get(*key).copied().flatten(), **value))
        .map(|((kpi, scope), value)| {
            format!(
                "{kpi} of {scope}: {:?}, but {value:?}",
                got.get(&(kpi.clone(), scope.clone()))
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{what}\n{}", wrong.join("\n"));
}

/// The figures of a day, without the data points: a change of owner that happens under our eyes begins a hand-over, whose task is a data point of
/// its own; in a history that arrives at once the same change is past.
pub(crate) async fn told(app: &TestApp, day: &str) -> BTreeMap<(String, String), Option<f64>> {
    let mut told = figures(app, day).await;
    told.retain(|(kpi, _), _| kpi != "data_points");
    told
}

#[tokio::test]
async fn figures_equal_plain_loops() {
    let app = TestApp::new().await;
    apply(&app, &medtrainer()).await;
    let arrivals = world(11, 60, 22);
    arrive(&app, &arrivals).await;
    app.catch_up().await.expect("caught up");
    let model = Model::new(&arrivals, TODAY);
    let definitions = app.definitions().expect("a program");
    let mut proved = 0;
    for day in [
        TODAY,
        date(2026, 5, 31),
        date(2026, 6, 12),
        date(2026, 2, 28),
        date(2025, 9, 30),
    ] {
        let got = figures(&app, &day.to_string()).await;
        let mut want = BTreeMap::new();
        for kpi in definitions
            .kpis
            .iter()
            .filter(|kpi| kpi.facts.is_some() && !super::of_scores(kpi))
        {
            for scope in SEGMENTS {
                let value = naive_kpis::value(&model, &kpi.id, day, scope);
                let value = value.unwrap_or_else(|| panic!("no loop recomputes {}", kpi.id));
                proved += usize::from(value.is_some());
                want.insert((kpi.id.clone(), scope.to_owned()), value);
            }
        }
        compare(&got, &want, &format!("as of {day}"));
    }
    assert!(proved > 500, "only {proved} of the figures had data");
    splits_equal_plain_loops(&app, &model).await;
}

/// Split by owner and by an attribute.
async fn splits_equal_plain_loops(app: &TestApp, model: &Model) {
    let mut proved = Proved::default();
    for day in [TODAY, date(2026, 3, 31)] {
        let owner = |account: usize, counts: i32| {
            let owner = model.status(account, counts).owner.clone();
            owner.unwrap_or("(none)".into())
        };
        proved += split_equals_plain_loops(app, model, day, &By::Owner, &owner, "").await;
        let plan = |account: usize, _: i32| model.newest(account, "plan").unwrap_or("(none)").to_owned();
        proved += split_equals_plain_loops(app, model, day, &By::Attribute("plan".into()), &plan, "").await;
    }
    assert!(
        proved.values > 300 && proved.intervals > 100 && proved.middles > 10,
        "{proved:?}"
    );
}

/// How much was compared.
#[derive(Debug, Default)]
pub(super) struct Proved {
    pub values: usize,
    pub intervals: usize,
    pub middles: usize,
}

impl std::ops::AddAssign for Proved {
    fn add_assign(&mut self, more: Self) {
        self.values += more.values;
        self.intervals += more.intervals;
        self.middles += more.middles;
    }
}

/// Every KPI of a day by what `scope` says of an account on the day that counts, with numerator, denominator, median, 90th percentile and interval.
pub(super) async fn split_equals_plain_loops(
    app: &TestApp,
    model: &Model,
    day: Date,
    by: &By,
    scope: &dyn Fn(usize, i32) -> String,
    without: &str,
) -> Proved {
    let definitions = app.definitions().expect("a program");
    let kpis: Vec<&Kpi> = definitions
        .kpis
        .iter()
        .filter(|kpi| kpi.facts.is_some() && !super::of_scores(kpi) && kpi.id != without)
        .collect();
    let mut proved = Proved::default();
    let cells = engine::figures(app, &definitions, &kpis, &[day], by, &[])
        .await
        .expect("figures");
    for kpi in &kpis {
        let mut want = naive_kpis::split(model, &kpi.id, day, scope);
        for cell in cells
            .iter()
            .filter(|cell| cell.kpi == kpi.id && cell.scope != "all")
        {
            let what = format!("{} of {} by {by:?} on {day}", kpi.id, cell.scope);
            let want = want.remove(&cell.scope).unwrap_or_default();
            let got = &cell.figure;
            assert!(same(got.value, want.value), "{what}: {got:?}, but {want:?}");
            assert!(
                same(Some(got.numerator.unwrap_or(0.0)), Some(want.numerator)),
                "{what}: {got:?}, but {want:?}"
            );
            // A sum divides nothing.
            if kpi.value != KpiValue::Sum {
                assert!(
                    same(Some(got.denominator.unwrap_or(0.0)), Some(want.denominator)),
                    "{what}: {got:?}, but {want:?}"
                );
            }
            proved.values += usize::from(want.value.is_some());
            if let Some((median, p90)) = want.middle.filter(|_| want.value.is_some()) {
                assert!(
                    same(got.median, Some(median)) && same(got.p90, Some(p90)),
                    "{what}: {got:?}, but {want:?}"
                );
                proved.middles += 1;
            }
            // More answers than questions in a month are no share, and have no interval.
            if kpi.proportion && want.numerator > want.denominator {
                assert!(got.interval.is_none(), "{what}: {got:?}");
            } else if kpi.proportion && want.denominator > 0.0 {
                let (n, z) = (want.denominator, 1.959_963_984_540_054_f64);
                let p = want.numerator / n;
                let half = z * (p * (1.0 - p) / n + z.powi(2) / (4.0 * n.powi(2))).sqrt();
                let ends =
                    [-half, half].map(|half| (p + z.powi(2) / (2.0 * n) + half) / (1.0 + z.powi(2) / n));
                let (low, high) = got.interval.expect("a share has an interval");
                assert!(
                    (low - ends[0]).abs() < 1e-9 && (high - ends[1]).abs() < 1e-9,
                    "{what}: {got:?}, but {ends:?}"
                );
                proved.intervals += 1;
            }
        }
        assert!(
            want.values().all(|left| left.value.is_none()),
            "{} by {by:?} on {day} lacks {want:?}",
            kpi.id
        );
    }
    proved
}

#[tokio::test]
async fn the_order_of_arrival_and_the_way_of_computing_change_nothing() {
    let arrivals = world(23, 25, 10);
    let files = medtrainer();
    let live = TestApp::new().await;
    apply(&live, &files).await;
    let mut rest = arrivals.as_slice();
    for part in [5, 2, 1] {
        let (now, later) = rest.split_at(rest.len() / part);
        arrive(&live, now).await;
        live.catch_up().await.expect("caught up");
        rest = later;
    }
    let whole = TestApp::new().await;
    apply(&whole, &files).await;
    arrive(&whole, &arrivals).await;
    whole.catch_up().await.expect("caught up");

    assert_eq!(accounts(&live), accounts(&whole));
    let days = ["2026-06-30", "2026-05-31", "2026-01-31", "2025-08-31"];
    for day in days {
        compare(
            &told(&live, day).await,
            &told(&whole, day).await,
            &format!("live and whole, {day}"),
        );
    }
    // A program of another hash has everything computed again, over all history.
    let before = accounts(&live);
    let mut changed = files.clone();
    let segments = changed.get_mut("segments.yaml").expect("the segments");
    *segments = segments.replace("label: Core", "label: The core");
    apply(&live, &changed).await;
    assert_eq!(accounts(&live), before);
    for day in days {
        compare(
            &told(&live, day).await,
            &told(&whole, day).await,
            &format!("computed again, {day}"),
        );
    }
    // Over midnights the windows slide; the day that passed can still be asked for, and an event's own day alone decides.
    let today = told(&live, "2026-06-30").await;
    live.advance(SignedDuration::from_hours(24 * 33));
    live.catch_up().await.expect("caught up");
    let again = TestApp::at("2026-08-02T12:00:00Z").await;
    apply(&again, &files).await;
    arrive(&again, &arrivals).await;
    again.catch_up().await.expect("caught up");
    assert_eq!(accounts(&live), accounts(&again));
    compare(
        &told(&live, "2026-08-02").await,
        &told(&again, "2026-08-02").await,
        "after 33 days",
    );
    compare(
        &told(&live, "2026-07-31").await,
        &told(&again, "2026-07-31").await,
        "a month that ended meanwhile",
    );
    compare(&told(&live, "2026-06-30").await, &today, "the day that passed");
}
