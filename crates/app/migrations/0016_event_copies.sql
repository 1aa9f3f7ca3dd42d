CREATE TABLE event_copies (key TEXT PRIMARY KEY, basis TEXT NOT NULL, computed_at BIGINT NOT NULL, bytes BIGINT NOT NULL, body {blob} NOT NULL);
CREATE INDEX event_copies_age ON event_copies (computed_at);
