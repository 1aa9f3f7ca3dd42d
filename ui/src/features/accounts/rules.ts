import type { Column } from "@/api/types";

/** What the address of the Accounts page says, turned into the API's query. Pure. */
export type Search = {
  q?: string;
  segment?: string;
  owner?: string;
  active?: string;
  band?: string;
  filter?: string;
  sort?: string;
  columns?: string;
};

/** What the list shows until somebody chooses otherwise, as far as the program has it. */
const USUAL_COLUMNS = ["logins_30d", "tickets_30d", "nps_latest"];

/** The columns shown until somebody chooses others: the usual ones, else the program's first metrics. */
export function defaultColumns(known: Column[]): string[] {
  const usual = USUAL_COLUMNS.filter((c) => known.some((k) => k.id === c));
  return usual.length > 0
    ? usual
    : known
        .filter((k) => k.unit !== null)
        .slice(0, 3)
        .map((k) => k.id);
}

/** The chosen columns, without those that the program no longer has; an empty choice ("-") is a choice too. */
export function chosenColumns(columns: string | undefined, known: Column[]): string[] {
  if (columns === undefined) return defaultColumns(known);
  return columns.split(",").filter((c) => known.some((k) => k.id === c));
}

/** Writes a choice of columns for the address; the usual choice needs no word. */
export function writeColumns(columns: string[], known: Column[]): string | undefined {
  if (columns.join() === defaultColumns(known).join()) return undefined;
  return columns.length === 0 ? "-" : columns.join(",");
}

/** The order of the list when none is chosen. */
export const DEFAULT_SORT = "-mrr";

/** The next order when the head of a column is pressed: first the more useful direction, then the other, then none. */
export function nextSort(current: string | undefined, column: string, textual: boolean): string | undefined {
  const first = textual ? column : `-${column}`;
  const second = textual ? `-${column}` : column;
  if (current === first) return second;
  if (current === second) return undefined;
  return first;
}

/** How a column is ordered now, in the words of `aria-sort`. */
export function sortOf(current: string | undefined, column: string): "ascending" | "descending" | "none" {
  if (current === column) return "ascending";
  return current === `-${column}` ? "descending" : "none";
}

/** Whether the values of a column read as text (and so begin with A when sorted). */
export const isTextual = (column: Column | undefined): boolean => column?.type === "text" || column?.type === "string";

/** The query that the API is asked; only columns that the program has are asked for. */
export function toQuery(s: Search, asOf: string | undefined, known: Column[]) {
  const columns = chosenColumns(s.columns, known);
  return {
    q: s.q,
    segment: s.segment,
    owner: s.owner,
    band: s.band,
    filter: s.filter,
    sort: s.sort ?? DEFAULT_SORT,
    as_of: asOf,
    active: s.active === "any" ? "any" : s.active === "no" ? "false" : "true",
    columns: columns.length ? columns.join(",") : undefined,
  };
}
