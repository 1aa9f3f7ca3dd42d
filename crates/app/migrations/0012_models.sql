CREATE TABLE backtests (
  id TEXT PRIMARY KEY, score TEXT NOT NULL, outcome TEXT NOT NULL, params TEXT NOT NULL, state TEXT NOT NULL, created_at BIGINT NOT NULL,
  finished_at BIGINT, author TEXT NOT NULL, result TEXT, error TEXT
);
CREATE INDEX backtests_score ON backtests (score, created_at);
CREATE TABLE model_runs (
  id TEXT PRIMARY KEY, outcome TEXT NOT NULL, score TEXT NOT NULL, method TEXT NOT NULL, state TEXT NOT NULL, day BIGINT NOT NULL,
  row_count BIGINT NOT NULL, positives BIGINT NOT NULL, body TEXT NOT NULL, backtest_id TEXT NOT NULL, created_at BIGINT NOT NULL,
  finished_at BIGINT, author TEXT NOT NULL, note TEXT NOT NULL, error TEXT, promoted_at BIGINT, promoted_by TEXT, version BIGINT NOT NULL
);
CREATE INDEX model_runs_outcome ON model_runs (outcome, created_at);
CREATE TABLE model_forms (run_id TEXT NOT NULL, model TEXT NOT NULL, kept_id TEXT NOT NULL, before_id TEXT, PRIMARY KEY (run_id, model));
CREATE TABLE predictions (
  outcome TEXT NOT NULL, run_id TEXT NOT NULL, day BIGINT NOT NULL, account_no BIGINT NOT NULL, probability DOUBLE PRECISION NOT NULL,
  mrr DOUBLE PRECISION, happened BIGINT, PRIMARY KEY (outcome, run_id, day, account_no)
);
CREATE TABLE prediction_months (
  outcome TEXT NOT NULL, run_id TEXT NOT NULL, day BIGINT NOT NULL, made_at BIGINT NOT NULL, drift TEXT NOT NULL, checked_at BIGINT,
  accuracy TEXT, alarm TEXT, PRIMARY KEY (outcome, run_id, day)
);
