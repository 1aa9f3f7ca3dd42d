ALTER TABLE contact_merges ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE contact_merges ADD COLUMN parted_seq BIGINT;
DELETE FROM settings WHERE key = 'metrics.computed_by' AND EXISTS (SELECT 1 FROM contact_merges WHERE parted_at IS NULL);
ALTER TABLE notes ADD COLUMN removed_at BIGINT;
ALTER TABLE notes ADD COLUMN removed_by TEXT;
CREATE INDEX notes_removed ON notes (removed_at);
CREATE TABLE note_versions (
  note_id TEXT NOT NULL REFERENCES notes (id), version BIGINT NOT NULL, body TEXT NOT NULL, contact_id TEXT, pinned BOOLEAN NOT NULL,
  actor TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (note_id, version)
);
