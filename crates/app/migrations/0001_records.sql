CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE users (
  id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, password_hash TEXT,
  created_at BIGINT NOT NULL, disabled_at BIGINT, time_zone TEXT
);
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, user_agent TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, prefix TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL, created_by TEXT NOT NULL, used_at BIGINT, revoked_at BIGINT
);
CREATE TABLE audit (
  seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  detail TEXT NOT NULL, request_id TEXT, chain TEXT NOT NULL
);
CREATE TABLE accounts (
  no BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, owner TEXT, parent_id TEXT,
  attributes TEXT NOT NULL, stub BOOLEAN NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE TABLE account_changes (
  account_no BIGINT NOT NULL, field TEXT NOT NULL, day BIGINT NOT NULL, value TEXT, at BIGINT NOT NULL, source TEXT NOT NULL,
  PRIMARY KEY (account_no, field, day)
);
CREATE TABLE contacts (
  id TEXT PRIMARY KEY, account_no BIGINT, email TEXT, name TEXT, title TEXT, role TEXT,
  attributes TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
);
CREATE INDEX contacts_account ON contacts (account_no);
CREATE INDEX contacts_email ON contacts (email);
CREATE TABLE contact_aliases (alias TEXT PRIMARY KEY, contact_id TEXT NOT NULL);
CREATE TABLE event_log (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL);
INSERT INTO event_log (id, seq) VALUES (1, 0);
CREATE TABLE event_tail (
  seq BIGINT PRIMARY KEY, events BIGINT NOT NULL, min_at BIGINT NOT NULL, max_at BIGINT NOT NULL, received_at BIGINT NOT NULL, body {blob} NOT NULL
);
CREATE TABLE event_bulks (seq BIGINT PRIMARY KEY, accounts {blob} NOT NULL, months TEXT NOT NULL);
CREATE TABLE event_files (
  path TEXT PRIMARY KEY, month BIGINT NOT NULL, class TEXT NOT NULL, rows_count BIGINT NOT NULL, bytes BIGINT NOT NULL,
  min_seq BIGINT NOT NULL, max_seq BIGINT NOT NULL, meta TEXT NOT NULL, added_at BIGINT NOT NULL
);
CREATE TABLE event_files_gone (path TEXT PRIMARY KEY, gone_at BIGINT NOT NULL);
CREATE TABLE event_id_runs (run BIGINT PRIMARY KEY, entries BIGINT NOT NULL, bits BIGINT NOT NULL, body {blob} NOT NULL);
CREATE TABLE event_ids (run BIGINT NOT NULL, part BIGINT NOT NULL, ids {blob} NOT NULL, PRIMARY KEY (run, part));
CREATE TABLE event_sources (
  source TEXT PRIMARY KEY, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, events BIGINT NOT NULL, rejected BIGINT NOT NULL,
  duplicates BIGINT NOT NULL
);
CREATE TABLE event_counts (source TEXT NOT NULL, what TEXT NOT NULL, bucket BIGINT NOT NULL, events BIGINT NOT NULL, PRIMARY KEY (source, what, bucket));
CREATE TABLE rejects (
  id TEXT PRIMARY KEY, at BIGINT NOT NULL, source TEXT NOT NULL, import_id TEXT, file TEXT, line BIGINT, kind TEXT NOT NULL,
  field TEXT, value TEXT, reason TEXT NOT NULL, remedy TEXT NOT NULL, record TEXT NOT NULL, state TEXT NOT NULL
);
CREATE INDEX rejects_import ON rejects (import_id, state);
CREATE TABLE imports (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL, dry_run BOOLEAN NOT NULL, state TEXT NOT NULL,
  started_at BIGINT NOT NULL, finished_at BIGINT, error TEXT, note TEXT, samples TEXT NOT NULL, actor TEXT NOT NULL
);
CREATE INDEX imports_fingerprint ON imports (fingerprint);
CREATE TABLE import_files (
  import_id TEXT NOT NULL REFERENCES imports (id), no BIGINT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, map TEXT, beside TEXT NOT NULL,
  fingerprint TEXT NOT NULL, as_of BIGINT NOT NULL, state TEXT NOT NULL, position BIGINT NOT NULL, line BIGINT NOT NULL, rows_read BIGINT NOT NULL,
  imported BIGINT NOT NULL, duplicates BIGINT NOT NULL, rejected BIGINT NOT NULL, skipped BIGINT NOT NULL, bytes BIGINT NOT NULL,
  bytes_total BIGINT NOT NULL, note TEXT, PRIMARY KEY (import_id, no)
);
CREATE INDEX import_files_fingerprint ON import_files (fingerprint);
CREATE TABLE cursors (name TEXT PRIMARY KEY, seq BIGINT NOT NULL);
CREATE TABLE account_state (
  account_no BIGINT PRIMARY KEY, computed_at BIGINT NOT NULL, head {blob} NOT NULL, activity {blob} NOT NULL
);
CREATE TABLE account_edges (
  seq BIGINT PRIMARY KEY, account_no BIGINT NOT NULL, at BIGINT NOT NULL, changes TEXT NOT NULL
);
CREATE TABLE kpi_dirty (month BIGINT PRIMARY KEY, marked_at BIGINT NOT NULL);
CREATE TABLE kpi_values (
  kpi TEXT NOT NULL, period BIGINT NOT NULL, scope TEXT NOT NULL, value DOUBLE PRECISION, numerator DOUBLE PRECISION, denominator DOUBLE PRECISION,
  detail TEXT NOT NULL, computed_at BIGINT NOT NULL, PRIMARY KEY (kpi, period, scope)
);
CREATE TABLE target_baselines (target TEXT PRIMARY KEY, value DOUBLE PRECISION NOT NULL, day BIGINT NOT NULL, touched_at BIGINT NOT NULL, frozen_at BIGINT);
CREATE TABLE program_versions (
  version BIGINT PRIMARY KEY, hash TEXT NOT NULL, files TEXT NOT NULL, applied_at BIGINT NOT NULL, actor TEXT NOT NULL, note TEXT
);
