/** What a tile's points mean: their words, their colours and the accounts behind them. Pure. */
import { readerLocale } from "@/shared/reader";
import type { DashboardPage, Tile, TileSeries } from "@/api/types";
import { day, monthName } from "@/shared/days";
import { figure, number } from "@/shared/format";
import { segmentColor } from "@/shared/ui/Segment";

const PALETTE = ["var(--seg-2)", "var(--seg-1)", "var(--seg-3)", "var(--seg-4)", "var(--seg-5)", "var(--seg-all)"];

/** The colour of a series: segments have their own, others take the next of the palette. */
export function seriesColor(tile: Tile, series: TileSeries, at: number): string {
  if (tile.series.length === 1) return "var(--brand)";
  if (tile.by === "segment") return segmentColor(series.key);
  return PALETTE[at % PALETTE.length] ?? "var(--brand)";
}

/** Whether all days of an axis end months, so that a month's name says enough. */
const byMonth = (keys: string[]): boolean =>
  keys.slice(0, -1).every((k) => new Date(`${k}T00:00:00Z`).getUTCDate() >= 28 || k.endsWith("-01"));

/** The words of a place on the axis. */
export function tickLabel(tile: Tile, at: number): string {
  const tick = tile.axis[at];
  if (!tick) return "";
  if (!tile.over_time) return tick.label;
  const key = tick.key.slice(0, 10);
  return byMonth(tile.axis.map((t) => t.key.slice(0, 10))) ? day(key, "month") : day(key);
}

/** A value in the unit of its tile. */
export function show(tile: Tile, value: number | null | undefined, currency: string): string {
  if (value === null || value === undefined) return "–";
  return tile.unit ? figure(value, tile.unit, currency) : number(value, 2);
}

/** A value of an axis, short. */
export function showShort(tile: Tile, value: number, currency: string): string {
  if (tile.unit === "number" || tile.unit === null) {
    return Math.abs(value) >= 10_000
      ? new Intl.NumberFormat(readerLocale(), { notation: "compact", maximumFractionDigits: 1 }).format(value)
      : number(value, 2);
  }
  return show(tile, value, currency);
}

/** A point of a tile, as the address names it. */
export type Place = { tile: string; series?: string; at?: string };

/** The accounts behind a point: parts of a KPI, or those that a condition chooses. */
export type Behind =
  | {
      kind: "kpi";
      kpi: string;
      as_of: string;
      by?: string;
      scope?: string;
      segment?: string;
      owner?: string;
      unit: string;
    }
  | { kind: "filter"; filter: string; active: string };

/** The accounts behind a place of a page; null when nothing can be opened there. */
export function behind(page: DashboardPage, place: Place): { title: string; of: Behind } | null {
  const tile = page.tiles.find((t) => t.id === place.tile);
  if (!tile) return null;
  const owner = page.filters.owner ?? undefined;
  const segment = tile.segment ?? undefined;
  const unit = tile.unit ?? "number";
  if (tile.figure && tile.kpi) {
    return { title: tile.title, of: { kind: "kpi", kpi: tile.kpi, as_of: tile.figure.day, segment, owner, unit } };
  }
  if (tile.kind === "table" && place.series) {
    const row = tile.rows.find((r) => r.kpi === place.series);
    if (!row?.kpi) return null;
    const scope = place.at === undefined ? segment : place.at;
    return {
      title: String(row.cells[0] ?? row.kpi),
      of: { kind: "kpi", kpi: row.kpi, as_of: page.as_of, segment: scope, owner, unit: row.unit ?? "number" },
    };
  }
  const series = tile.series.find((s) => s.key === place.series);
  const at = tile.axis.findIndex((t) => t.key === place.at);
  if (!series || at < 0) return null;
  const many = tile.series.length > 1;
  const title = `${tile.title}: ${many ? `${seriesLabel(tile, series)}, ` : ""}${tickLabel(tile, at)}`;
  const filter = series.filters[at];
  if (filter) return { title, of: { kind: "filter", filter, active: tile.kind === "cohort" ? "any" : "true" } };
  const as_of = series.days[at];
  const bars = tile.kind === "bar" && !tile.over_time;
  const kpi = series.kpi ?? (bars ? tile.axis[at]?.key : undefined);
  if (!kpi || !as_of) return null;
  const scope = tile.by ? (bars ? place.at : (series.scope ?? undefined)) : undefined;
  return { title, of: { kind: "kpi", kpi, as_of, by: tile.by ?? undefined, scope, segment, owner, unit } };
}

/** The name of a series; a cohort's is the month that it started in. */
export function seriesLabel(tile: Tile, series: TileSeries): string {
  return tile.kind === "cohort" ? `${monthName(series.key)} ${series.key.slice(0, 4)}` : series.label;
}

/** How strongly a cell is shaded, from 0 to 1, among the values of its grid. */
export function shade(value: number, values: number[]): number {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return high === low ? 0.5 : (value - low) / (high - low);
}

/** The names under which a part of the product that is still to come is known to people. */
const PARTS: Record<string, string> = {
  scores: "health scores",
  practices: "standardised practices",
  team: "team records",
  plans: "plans",
  pilots: "pilots",
};

/** "health scores": what a tile waits for. */
export const waitsFor = (part: string | null): string => PARTS[part ?? ""] ?? part ?? "a later part";

/** Dashboards under their headings, in the order in which they come. */
export function inGroups<T extends { group: string }>(all: T[]): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(one.group || "Others", [...(groups.get(one.group || "Others") ?? []), one]);
  return [...groups];
}

/** Accounts that a list of ids may name, so that a rule stays within its limits. */
export const MOST_IDS = 400;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A condition that names accounts one by one. */
export const named = (ids: string[]): string => `account_id IN (${ids.map(quoted).join(", ")})`;

/** After how many milliseconds a page is asked for again, when it came `waited` times in a row with tiles that were being brought up to date:
 * soon at first, then less and less often. Otherwise a live page is looked up each minute. */
export function looksAgain(waited: number, live: boolean): number | false {
  if (waited > 0) return Math.min(1_500 * 1.6 ** (waited - 1), 20_000);
  return live ? 60_000 : false;
}

/** What stands beside the instant at which a tile was computed. */
export const beingMade = (tile: Tile) => (tile.freshness === "updating" ? ", being brought up to date" : "");
