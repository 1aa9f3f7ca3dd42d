import type { Column } from "@/api/types";

/** What the address of the Accounts page says, turned into the API's query. Pure. */
export type Search = { q?: string; segment?: string; owner?: string; active?: string; filter?: string; sort?: string; columns?: string };

/** The columns shown until somebody chooses others. */
export const DEFAULT_COLUMNS = ["logins_30d", "tickets_30d", "nps_latest"];

/** The chosen columns; an empty choice ("-") is a choice too. */
export function chosenColumns(columns: string | undefined): string[] {
  if (columns === undefined) return DEFAULT_COLUMNS;
  return columns.split(",").filter((c) => c !== "" && c !== "-");
}

/** Writes a choice of columns for the address; the usual choice needs no word. */
export function writeColumns(columns: string[]): string | undefined {
  if (columns.join() === DEFAULT_COLUMNS.join()) return undefined;
  return columns.length === 0 ? "-" : columns.join(",");
}

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

/** The query that the API is asked. The columns asked for are only those that it has. */
export function toQuery(s: Search, asOf: string | undefined, known: Column[] | undefined) {
  const columns = chosenColumns(s.columns).filter((c) => !known || known.some((k) => k.id === c));
  return {
    q: s.q, segment: s.segment, owner: s.owner, filter: s.filter, sort: s.sort, as_of: asOf,
    active: s.active === "yes" ? true : s.active === "no" ? false : undefined,
    columns: columns.length ? columns.join(",") : undefined,
  };
}
