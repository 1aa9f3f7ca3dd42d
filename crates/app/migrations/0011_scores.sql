CREATE TABLE score_overrides (
  id TEXT PRIMARY KEY, score TEXT NOT NULL, account_no BIGINT NOT NULL, rule TEXT NOT NULL, points DOUBLE PRECISION NOT NULL,
  author TEXT NOT NULL, reason TEXT NOT NULL, created_at BIGINT NOT NULL, from_day BIGINT NOT NULL, until_day BIGINT NOT NULL,
  removed_at BIGINT, removed_by TEXT, removed_day BIGINT, version BIGINT NOT NULL
);
CREATE INDEX score_overrides_account ON score_overrides (account_no);
CREATE TABLE score_models (
  id TEXT PRIMARY KEY, score TEXT NOT NULL, model TEXT NOT NULL, method TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
  created_at BIGINT NOT NULL, author TEXT NOT NULL, note TEXT NOT NULL, state TEXT NOT NULL, promoted_at BIGINT, promoted_by TEXT,
  backtest_id TEXT
);
CREATE INDEX score_models_score ON score_models (score, model, state);
CREATE TABLE score_versions (score TEXT NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (score, hash));
CREATE TABLE score_history (
  score TEXT NOT NULL, hash TEXT NOT NULL, account_no BIGINT NOT NULL, computed_at BIGINT NOT NULL, days {blob} NOT NULL,
  PRIMARY KEY (score, hash, account_no)
);
