CREATE TABLE known_sets (version TEXT PRIMARY KEY, newest_day BIGINT NOT NULL, newest_end BIGINT NOT NULL, used_at BIGINT NOT NULL);
CREATE TABLE known_cells (version TEXT NOT NULL, block BIGINT NOT NULL, seq BIGINT NOT NULL, cells {blob} NOT NULL, PRIMARY KEY (version, block));
CREATE TABLE known_changed (account_no BIGINT PRIMARY KEY, seq BIGINT NOT NULL);
