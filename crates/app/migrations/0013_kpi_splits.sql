CREATE TABLE kpi_splits (
  kpi TEXT NOT NULL, period BIGINT NOT NULL, way TEXT NOT NULL, print TEXT NOT NULL, computed_at BIGINT NOT NULL, figures {blob} NOT NULL,
  PRIMARY KEY (kpi, period, way)
);
