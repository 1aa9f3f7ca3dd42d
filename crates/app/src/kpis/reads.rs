//! What the facts of KPIs read, worked out once for each text: every change of an account asks which figures it moves.

use crate::App;
use crate::definitions::Kpi;
use crate::metrics::tables;

/// What a KPI's facts read; nothing while it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reads {
    /// Something that has no past: accounts or contacts as they are now.
    pub present: bool,
    /// Nothing but the events of the window and the cohort.
    pub only_window: bool,
    /// What time it is: then no figure of the past stays what it was.
    pub clock: bool,
    /// Scores of accounts.
    pub scores: bool,
    /// Velocities, which are places among all accounts.
    pub velocity: bool,
}

/// Names by which SQL asks for the time.
const CLOCK: [&str; 5] = [
    "now",
    "today",
    "current_date",
    "current_timestamp",
    "current_time",
];

impl Reads {
    /// What this KPI reads.
    pub fn of(app: &App, kpi: &Kpi) -> Self {
        let facts = kpi.facts.as_deref().unwrap_or_default();
        if let Some(known) = app.kpis.reads.lock().get(facts) {
            return *known;
        }
        let found = Self::find(kpi, facts);
        app.kpis.reads.lock().insert(facts.to_owned(), found);
        found
    }

    fn find(kpi: &Kpi, facts: &str) -> Self {
        let relations = kpi.relations();
        let among = |names: &[&str], relation: &String| names.contains(&relation.as_str());
        let scores = relations.iter().any(|it| among(&["score_days"], it));
        Self {
            present: relations.iter().any(|it| among(&["accounts", "contacts"], it)),
            only_window: relations
                .iter()
                .all(|it| among(&["cohort", "period_events", "periods"], it)),
            clock: CLOCK.iter().any(|name| tables::reads(facts, name)),
            scores,
            velocity: scores && tables::reads(facts, "velocity"),
        }
    }
}
