/** Tiles as CSV, for spreadsheets: a cell that a spreadsheet would take for a formula is written as text. Pure, but for `save`. */
import type { DashboardPage, Tile } from "@/api/types";
import { seriesLabel } from "./rules";

/** One cell: quoted where it has to be, and harmless in a spreadsheet. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  let text = typeof value === "string" ? value : JSON.stringify(value);
  if (/^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csv = (rows: unknown[][]): string => rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";

/** What a tile shows, as rows with a head. */
export function tableOf(tile: Tile): unknown[][] {
  if (tile.figure) {
    const f = tile.figure;
    return [
      ["figure", "from", "to", "value", "numerator", "denominator", "before", "target", "status"],
      [
        tile.title,
        f.first_day,
        f.last_day,
        f.value,
        f.numerator,
        f.denominator,
        f.before?.value,
        f.targets[0]?.target,
        f.targets[0]?.status,
      ],
      ...f.trend.map((t) => [tile.title, "", t.period, t.value, "", "", "", t.target, ""]),
    ];
  }
  if (tile.kind === "table") return [tile.columns.map((c) => c.label), ...tile.rows.map((r) => r.cells)];
  if (tile.kind === "scatter") {
    return [
      ["account_id", "account", "segment", ...tile.axes.map((a) => a.label)],
      ...tile.points.map((p) => [p.account_id, p.name, p.segment, p.x, p.y, ...(tile.axes.length > 2 ? [p.size] : [])]),
    ];
  }
  return [
    [
      tile.kind === "cohort" ? "months" : tile.over_time ? "to" : "group",
      ...tile.series.map((s) => seriesLabel(tile, s)),
    ],
    ...tile.axis.map((tick, at) => [tile.over_time ? tick.key : tick.label, ...tile.series.map((s) => s.values[at])]),
  ];
}

/** A tile as CSV. */
export const tileCsv = (tile: Tile): string => csv(tableOf(tile));

/** A name for a file, without what file systems refuse. */
export const fileName = (page: DashboardPage, tile: Tile, kind: string): string =>
  `${page.id}-${tile.id}-${page.as_of}.${kind}`.replace(/[^\w.-]+/g, "-");

/** Hands a text to the reader as a file. */
export function save(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
