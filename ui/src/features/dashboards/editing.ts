/** A dashboard while it is being changed: what is on it, what was done, and what a step is called when it is read out. Pure. */
import type { TileDefinition } from "@/api/types";

export type Draft = { title: string; description: string; segment: string | null; tiles: TileDefinition[] };

/** One step: what the dashboard is after it, and what it was called. */
export type Step = { draft: Draft; said: string };

/** What was done, so that it can be undone and done again. */
export type History = { past: Step[]; now: Step; next: Step[] };

export const COLUMNS = 12;
export const MOST_ROWS = 12;
/** Steps that can be undone. */
const MOST = 200;

export const begin = (draft: Draft): History => ({ past: [], now: { draft, said: "" }, next: [] });

/** Another state after the present one; the same state is no step. */
export function step(history: History, draft: Draft, said: string): History {
  if (JSON.stringify(draft) === JSON.stringify(history.now.draft)) return history;
  return { past: [...history.past, history.now].slice(-MOST), now: { draft, said }, next: [] };
}

export function undo(history: History): History {
  const before = history.past.at(-1);
  if (!before) return history;
  return { past: history.past.slice(0, -1), now: before, next: [history.now, ...history.next] };
}

export function redo(history: History): History {
  const [after, ...rest] = history.next;
  if (!after) return history;
  return { past: [...history.past, history.now], now: after, next: rest };
}

/** What a kind of tile takes when nobody said it; as the server has it. */
const USUAL: Record<string, [number, number]> = { figure: [3, 2], text: [12, 1], table: [12, 4], cohort: [12, 4] };

export const widthOf = (tile: TileDefinition): number => tile.width ?? USUAL[tile.kind]?.[0] ?? 6;
export const heightOf = (tile: TileDefinition): number => tile.height ?? USUAL[tile.kind]?.[1] ?? 4;

const within = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** The tile at another place; the others move up. */
export function move(draft: Draft, id: string, to: number): Draft {
  const from = draft.tiles.findIndex((t) => t.id === id);
  const tile = draft.tiles[from];
  if (!tile) return draft;
  const rest = draft.tiles.filter((t) => t.id !== id);
  const at = within(to, 0, rest.length);
  return { ...draft, tiles: [...rest.slice(0, at), tile, ...rest.slice(at)] };
}

/** The tile in another size, within what a page has room for. */
export function resize(draft: Draft, id: string, width: number, height: number): Draft {
  return change(draft, id, {
    width: within(Math.round(width), 1, COLUMNS),
    height: within(Math.round(height), 1, MOST_ROWS),
  });
}

export function change(draft: Draft, id: string, fields: Partial<TileDefinition>): Draft {
  return { ...draft, tiles: draft.tiles.map((t) => (t.id === id ? { ...t, ...fields } : t)) };
}

export const remove = (draft: Draft, id: string): Draft => ({
  ...draft,
  tiles: draft.tiles.filter((t) => t.id !== id),
});

/** A name within the dashboard that no tile has yet. */
export function freeId(draft: Draft, wanted: string): string {
  const plain =
    wanted
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^[^a-z]+|_+$/g, "")
      .slice(0, 40) || "tile";
  const taken = new Set(draft.tiles.map((t) => t.id));
  if (!taken.has(plain)) return plain;
  for (let n = 2; ; n += 1) if (!taken.has(`${plain}_${n}`)) return `${plain}_${n}`;
}

export const add = (draft: Draft, tile: TileDefinition): Draft => ({ ...draft, tiles: [...draft.tiles, tile] });

/** "Churn, place 2 of 5, 6 columns wide, 4 rows high": what a reader who does not see the page is told. */
export function place(draft: Draft, id: string, title: string): string {
  const at = draft.tiles.findIndex((t) => t.id === id);
  const tile = draft.tiles[at];
  if (!tile) return "";
  const width = widthOf(tile);
  const height = heightOf(tile);
  return `${title}: place ${at + 1} of ${draft.tiles.length}, ${width} of 12 columns wide, ${height} ${height === 1 ? "row" : "rows"} high`;
}

/** The part of a tile that decides its figures: what is changed besides needs no new ones. */
export function content(tile: TileDefinition): string {
  const figures = { ...tile, width: undefined, height: undefined, title: undefined, description: undefined };
  return JSON.stringify(figures);
}

/** The draft as the server takes it. */
export const formOf = (draft: Draft, kept: { group: string; source: string }) => ({
  title: draft.title,
  description: draft.description,
  segment: draft.segment ?? undefined,
  group: kept.group,
  source: kept.source,
  tiles: draft.tiles,
});
