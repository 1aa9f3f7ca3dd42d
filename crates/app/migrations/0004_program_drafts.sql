CREATE TABLE program_drafts (
  author TEXT NOT NULL, file TEXT NOT NULL, version BIGINT NOT NULL, base_version BIGINT NOT NULL, base TEXT, body TEXT,
  updated_at BIGINT NOT NULL, PRIMARY KEY (author, file)
);
