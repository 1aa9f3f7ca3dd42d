CREATE TABLE dashboards (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, sharing TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL, tiles BIGINT NOT NULL,
  body TEXT NOT NULL, version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL, removed_at BIGINT
);
CREATE INDEX dashboards_owner ON dashboards (owner, removed_at);
CREATE TABLE dashboard_versions (
  dashboard TEXT NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL, actor TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (dashboard, version)
);
