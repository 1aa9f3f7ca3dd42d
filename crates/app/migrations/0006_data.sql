CREATE TABLE uploads (
  id TEXT PRIMARY KEY, actor TEXT NOT NULL, created_at BIGINT NOT NULL, touched_at BIGINT NOT NULL, tried TEXT, imported TEXT
);
CREATE INDEX uploads_actor ON uploads (actor, touched_at);
CREATE TABLE upload_files (
  id TEXT PRIMARY KEY, upload_id TEXT NOT NULL REFERENCES uploads (id), no BIGINT NOT NULL, name TEXT NOT NULL, inside TEXT,
  bytes BIGINT NOT NULL, modified_at BIGINT NOT NULL, state TEXT NOT NULL, kind TEXT, map TEXT, signature TEXT, remembered BOOLEAN NOT NULL,
  included BOOLEAN NOT NULL, note TEXT, version BIGINT NOT NULL
);
CREATE UNIQUE INDEX upload_files_name ON upload_files (upload_id, name);
CREATE TABLE import_maps (
  signature TEXT PRIMARY KEY, kind TEXT NOT NULL, map TEXT NOT NULL, name TEXT NOT NULL, used_at BIGINT NOT NULL, actor TEXT NOT NULL
);
CREATE TABLE reject_corrections (
  reject_id TEXT NOT NULL, no BIGINT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (reject_id, no)
);
CREATE TABLE source_expectations (
  source TEXT PRIMARY KEY, every_s BIGINT, muted BOOLEAN NOT NULL, version BIGINT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL
);
CREATE TABLE source_alarms (
  source TEXT NOT NULL, raised_at BIGINT NOT NULL, last_at BIGINT NOT NULL, every_s BIGINT NOT NULL, cleared_at BIGINT, cleared_by TEXT,
  PRIMARY KEY (source, raised_at)
);
