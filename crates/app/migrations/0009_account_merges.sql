CREATE TABLE account_merges (
  id TEXT PRIMARY KEY, merged_no BIGINT NOT NULL, survivor_no BIGINT NOT NULL, choices TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL,
  seq BIGINT NOT NULL, parted_at BIGINT, parted_by TEXT, parted_seq BIGINT
);
CREATE UNIQUE INDEX account_merges_standing ON account_merges (merged_no) WHERE parted_at IS NULL;
CREATE INDEX account_merges_at ON account_merges (at, id);
CREATE TABLE account_roots (no BIGINT PRIMARY KEY, root_no BIGINT NOT NULL);
CREATE INDEX account_roots_root ON account_roots (root_no);
CREATE TABLE contact_merges (
  id TEXT PRIMARY KEY, merged_id TEXT NOT NULL, survivor_id TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, parted_at BIGINT,
  parted_by TEXT
);
CREATE UNIQUE INDEX contact_merges_standing ON contact_merges (merged_id) WHERE parted_at IS NULL;
CREATE INDEX contact_merges_survivor ON contact_merges (survivor_id);
CREATE INDEX contact_merges_at ON contact_merges (at, id);
CREATE TABLE duplicate_dismissals (
  kind TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (kind, one, other)
);
CREATE VIEW contact_ids AS
  SELECT alias, contact_id FROM contact_aliases
  UNION ALL SELECT merged_id, survivor_id FROM contact_merges WHERE parted_at IS NULL
  UNION ALL SELECT a.alias, m.survivor_id FROM contact_aliases a JOIN contact_merges m ON m.merged_id = a.contact_id WHERE m.parted_at IS NULL;
