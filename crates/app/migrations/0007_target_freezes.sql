CREATE TABLE target_freezes (
  target TEXT NOT NULL, version BIGINT NOT NULL, action TEXT NOT NULL, value DOUBLE PRECISION, day BIGINT, reason TEXT NOT NULL,
  actor TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (target, version)
);
