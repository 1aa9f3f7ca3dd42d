/** What a tile can be made of, and how that can be shown. Pure. */
import type { TileDefinition } from "@/api/types";

export type Source = "kpi" | "metric" | "accounts" | "sql" | "text";
export type Kind = TileDefinition["kind"];

export const SOURCES: { value: Source; label: string }[] = [
  { value: "kpi", label: "KPI" },
  { value: "metric", label: "Metric" },
  { value: "accounts", label: "Accounts" },
  { value: "sql", label: "SQL" },
  { value: "text", label: "Text" },
];

export const KIND_LABELS: Record<Kind, string> = {
  figure: "Figure",
  line: "Lines over time",
  bar: "Bars",
  stacked: "Stacked bars",
  heatmap: "Heat map",
  cohort: "Cohorts",
  funnel: "Funnel",
  scatter: "Scatter",
  table: "Table",
  text: "Text",
};

/** The kinds that fit a source, the most usual first. */
export const KINDS: Record<Source, Kind[]> = {
  kpi: ["figure", "line", "bar", "stacked", "heatmap", "table"],
  metric: ["figure", "bar", "heatmap"],
  accounts: ["table", "scatter", "funnel", "cohort"],
  sql: ["table", "figure", "line", "bar", "stacked", "heatmap"],
  text: ["text"],
};

/** What a tile is made of. */
export function sourceOf(tile: TileDefinition): Source {
  if (tile.kind === "text") return "text";
  if (typeof tile.sql === "string") return "sql";
  if (tile.kpis && tile.kpis.length > 0) return "kpi";
  if (typeof tile.metric === "string") return "metric";
  if (["cohort", "funnel", "scatter", "table"].includes(tile.kind)) return "accounts";
  return "kpi";
}

export const SQL_START =
  "SELECT segment, count(*) AS accounts\nFROM accounts\nWHERE active AND (segment = :segment OR :segment IS NULL)\nGROUP BY segment\nORDER BY accounts DESC";

const STEPS = [
  { label: "Active", filter: "active" },
  { label: "MRR known", filter: "mrr IS NOT NULL" },
];

/** A tile of another source; its name, size and place stay. */
export function ofSource(tile: TileDefinition, source: Source): TileDefinition {
  const kept = { id: tile.id, title: tile.title, description: tile.description };
  const kind = KINDS[source][0] ?? "table";
  if (source === "sql") return { ...kept, kind, sql: SQL_START };
  if (source === "text") return { ...kept, kind, text: "" };
  if (source === "accounts") return { ...kept, kind, columns: ["segment", "owner", "mrr"], sort: "-mrr" };
  return { ...kept, kind };
}

/** The tile as another kind, with what that kind needs and without what it cannot have. */
export function ofKind(tile: TileDefinition, kind: Kind): TileDefinition {
  const next: TileDefinition = { ...tile, kind, width: undefined, height: undefined };
  const source = sourceOf(tile);
  if (source === "kpi") {
    const many = kind === "line" || kind === "table";
    if (!many) next.kpis = next.kpis?.slice(0, 1);
    if ((kind === "stacked" || kind === "heatmap") && !next.by) next.by = "segment";
    if (kind === "figure" || kind === "table") delete next.by;
  }
  if (source === "accounts") {
    delete next.columns;
    delete next.sort;
    delete next.steps;
    delete next.x;
    delete next.y;
    delete next.size;
    if (kind === "table") Object.assign(next, { columns: ["segment", "owner", "mrr"], sort: "-mrr" });
    if (kind === "funnel") next.steps = STEPS;
    if (kind === "scatter") Object.assign(next, { x: "days_active", y: "mrr" });
    if (kind === "cohort") next.points = 13;
  }
  if (kind !== "heatmap" && kind !== "scatter") {
    delete next.x;
    delete next.y;
  }
  return next;
}

/** What is still missing before a tile can be shown; null = nothing. */
export function missing(tile: TileDefinition): string | null {
  const source = sourceOf(tile);
  if (source === "kpi" && !tile.kpis?.length) return "Choose a KPI.";
  if (source === "metric" && !tile.metric) return "Choose a metric.";
  if (source === "metric" && tile.kind === "heatmap" && (!tile.x || !tile.y))
    return "Choose what goes across and what goes down.";
  if (source === "sql" && !tile.sql?.trim()) return "Write a query.";
  if (source === "text" && !tile.text?.trim()) return "Write the text.";
  if (source === "accounts" && tile.kind === "table" && !tile.columns?.length) return "Choose at least one column.";
  return null;
}
