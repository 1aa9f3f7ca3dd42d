CREATE TABLE device_accounts (anonymous TEXT PRIMARY KEY, account_no BIGINT NOT NULL);
CREATE TABLE event_unattributed (
  id TEXT NOT NULL, account_no BIGINT NOT NULL, month BIGINT NOT NULL, due BOOLEAN NOT NULL, person TEXT,
  PRIMARY KEY (id, account_no, month)
);
CREATE INDEX event_unattributed_due ON event_unattributed (due, id);
