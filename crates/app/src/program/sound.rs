//! Queries of programs that were found sound. Whether a query can be planned against empty tables hangs on its text and on the tables'
//! columns alone, so that a program of which one definition was changed is checked without planning the other hundred queries anew.

use std::collections::{BTreeMap, HashSet};

use parking_lot::Mutex;

use crate::App;
use crate::definitions::{Definitions, kpi_prints, tables_print};

/// Queries remembered at most; beyond it the memory starts anew.
const MOST: usize = 20_000;

/// Prints of what was found sound, in this process: no company's data is in them.
static SOUND: Mutex<Option<HashSet<[u8; 32]>>> = Mutex::new(None);

/// What the queries of a program are planned against.
pub(super) struct Sound {
    tables: String,
    kpis: BTreeMap<String, String>,
}

/// The print of a query together with what it is planned against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print([u8; 32]);

impl Sound {
    /// Of these definitions, in this Tenure on this day.
    pub fn of(app: &App, definitions: &Definitions) -> Self {
        let measured = app.metrics.plan();
        let measured = measured.map_or_else(Vec::new, |plan| plan.metric_ids.clone());
        let today = crate::metrics::today(app);
        Self {
            tables: format!("{}\n{}\n{today}", tables_print(definitions), measured.join(",")),
            kpis: kpi_prints(definitions),
        }
    }

    /// The print of a KPI's facts; `None` for one that these definitions do not have.
    pub fn kpi(&self, id: &str) -> Option<Print> {
        self.kpis.get(id).map(|print| self.print("kpi", print))
    }

    /// The print of a tile's query.
    pub fn tile(&self, sql: &str) -> Print {
        self.print("tile", sql)
    }

    fn print(&self, kind: &str, text: &str) -> Print {
        let mut hash = blake3::Hasher::new();
        for part in [kind, &self.tables, text] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Print(*hash.finalize().as_bytes())
    }
}

impl Print {
    /// Whether the query was found sound before.
    pub fn is_known(self) -> bool {
        SOUND.lock().as_ref().is_some_and(|known| known.contains(&self.0))
    }

    /// Remembers that it is. What is wrong is looked at anew each time.
    pub fn remember(self) {
        let mut known = SOUND.lock();
        let known = known.get_or_insert_default();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(self.0);
    }
}
