CREATE TABLE owner_settings (version BIGINT PRIMARY KEY, body TEXT NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL);
CREATE TABLE reassignments (
  id TEXT PRIMARY KEY, at BIGINT NOT NULL, actor TEXT NOT NULL, cause TEXT NOT NULL, reason TEXT NOT NULL, accounts BIGINT NOT NULL,
  undoes TEXT, undone_by TEXT
);
CREATE INDEX reassignments_at ON reassignments (at, id);
CREATE TABLE reassignment_moves (
  reassignment_id TEXT NOT NULL REFERENCES reassignments (id), account_no BIGINT NOT NULL, from_owner TEXT, to_owner TEXT,
  PRIMARY KEY (reassignment_id, account_no)
);
CREATE INDEX reassignment_moves_account ON reassignment_moves (account_no);
CREATE TABLE owner_holds (account_no BIGINT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE handovers (
  id TEXT PRIMARY KEY, account_no BIGINT NOT NULL, cause TEXT NOT NULL, from_owner TEXT, to_owner TEXT, started_at BIGINT NOT NULL,
  closed_at BIGINT, closed_as TEXT
);
CREATE INDEX handovers_account ON handovers (account_no);
CREATE INDEX handovers_open ON handovers (closed_at, to_owner);
CREATE TABLE handover_items (
  handover_id TEXT NOT NULL REFERENCES handovers (id), no BIGINT NOT NULL, title TEXT NOT NULL, due_day BIGINT NOT NULL, done_at BIGINT,
  done_by TEXT, PRIMARY KEY (handover_id, no)
);
CREATE TABLE contact_flags (
  id TEXT PRIMARY KEY, contact_id TEXT NOT NULL, flag TEXT NOT NULL, held BOOLEAN NOT NULL, at BIGINT NOT NULL, actor TEXT NOT NULL
);
CREATE INDEX contact_flags_contact ON contact_flags (contact_id, flag);
CREATE TABLE contact_consents (
  id TEXT PRIMARY KEY, contact_id TEXT NOT NULL, topic TEXT NOT NULL, granted BOOLEAN NOT NULL, source TEXT NOT NULL, note TEXT NOT NULL,
  at BIGINT NOT NULL, actor TEXT NOT NULL
);
CREATE INDEX contact_consents_contact ON contact_consents (contact_id, topic);
CREATE TABLE notes (
  id TEXT PRIMARY KEY, account_no BIGINT NOT NULL, contact_id TEXT, body TEXT NOT NULL, actor TEXT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL, pinned BOOLEAN NOT NULL, version BIGINT NOT NULL
);
CREATE INDEX notes_account ON notes (account_no);
CREATE TABLE note_mentions (
  note_id TEXT NOT NULL REFERENCES notes (id), user_id TEXT NOT NULL, at BIGINT NOT NULL, seen_at BIGINT, PRIMARY KEY (note_id, user_id)
);
CREATE INDEX note_mentions_user ON note_mentions (user_id, at);
CREATE TABLE note_attachments (
  id TEXT PRIMARY KEY, note_id TEXT NOT NULL REFERENCES notes (id), name TEXT NOT NULL, bytes BIGINT NOT NULL, hash TEXT NOT NULL,
  at BIGINT NOT NULL, actor TEXT NOT NULL
);
CREATE INDEX note_attachments_note ON note_attachments (note_id);
