ALTER TABLE score_versions ADD COLUMN known_since TEXT;
ALTER TABLE score_versions ADD COLUMN since BIGINT;
UPDATE score_versions SET since = created_at;
