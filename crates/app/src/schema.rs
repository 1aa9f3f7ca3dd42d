//! The migrations of the record store, in order. A landed one is never edited.

use tenure_store::migrate::Migration;

/// All migrations.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "records",
        script: include_str!("../migrations/0001_records.sql"),
    },
    Migration {
        version: 2,
        name: "attribution",
        script: include_str!("../migrations/0002_attribution.sql"),
    },
    Migration {
        version: 4,
        name: "program_drafts",
        script: include_str!("../migrations/0004_program_drafts.sql"),
    },
    Migration {
        version: 5,
        name: "accounts",
        script: include_str!("../migrations/0005_accounts.sql"),
    },
    Migration {
        version: 6,
        name: "data",
        script: include_str!("../migrations/0006_data.sql"),
    },
    Migration {
        version: 7,
        name: "target_freezes",
        script: include_str!("../migrations/0007_target_freezes.sql"),
    },
    Migration {
        version: 8,
        name: "dashboards",
        script: include_str!("../migrations/0008_dashboards.sql"),
    },
    Migration {
        version: 9,
        name: "account_merges",
        script: include_str!("../migrations/0009_account_merges.sql"),
    },
    Migration {
        version: 10,
        name: "habits",
        script: include_str!("../migrations/0010_habits.sql"),
    },
    Migration {
        version: 11,
        name: "scores",
        script: include_str!("../migrations/0011_scores.sql"),
    },
    Migration {
        version: 12,
        name: "models",
        script: include_str!("../migrations/0012_models.sql"),
    },
    Migration {
        version: 13,
        name: "kpi_splits",
        script: include_str!("../migrations/0013_kpi_splits.sql"),
    },
    Migration {
        version: 14,
        name: "score_versions",
        script: include_str!("../migrations/0014_score_versions.sql"),
    },
    Migration {
        version: 15,
        name: "undo",
        script: include_str!("../migrations/0015_undo.sql"),
    },
    Migration {
        version: 16,
        name: "event_copies",
        script: include_str!("../migrations/0016_event_copies.sql"),
    },
    Migration {
        version: 17,
        name: "known_cells",
        script: include_str!("../migrations/0017_known_cells.sql"),
    },
];
