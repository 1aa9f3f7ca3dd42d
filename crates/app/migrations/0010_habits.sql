CREATE TABLE saved_views (
  id TEXT PRIMARY KEY, page TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, shared BOOLEAN NOT NULL,
  version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, updated_by TEXT NOT NULL
);
CREATE INDEX saved_views_page ON saved_views (page, name);
CREATE TABLE view_defaults (user_id TEXT NOT NULL, page TEXT NOT NULL, view_id TEXT NOT NULL, PRIMARY KEY (user_id, page));
CREATE TABLE notifications (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL, detail TEXT NOT NULL,
  link TEXT NOT NULL, at BIGINT NOT NULL, read_at BIGINT, UNIQUE (user_id, source)
);
CREATE INDEX notifications_user ON notifications (user_id, at, id);
CREATE TABLE notification_settings (user_id TEXT NOT NULL, kind TEXT NOT NULL, wanted BOOLEAN NOT NULL, PRIMARY KEY (user_id, kind));
CREATE TABLE user_preferences (user_id TEXT PRIMARY KEY, body TEXT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX contacts_by_name ON contacts (LOWER(name));
CREATE INDEX contacts_by_email ON contacts (LOWER(email));
