CREATE TABLE event_copies (key TEXT PRIMARY KEY, basis TEXT NOT NULL, computed_at BIGINT NOT NULL, bytes BIGINT NOT NULL, body {blob} NOT NULL);
CREATE INDEX event_copies_age ON event_copies (computed_at);
DROP VIEW contact_ids;
CREATE VIEW contact_ids AS
  SELECT alias, contact_id FROM contact_aliases
  UNION SELECT merged_id, survivor_id FROM contact_merges WHERE parted_at IS NULL
  UNION SELECT a.alias, m.survivor_id FROM contact_aliases a JOIN contact_merges m ON m.merged_id = a.contact_id WHERE m.parted_at IS NULL;
