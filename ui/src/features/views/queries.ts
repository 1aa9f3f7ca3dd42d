import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { toProblem } from "@/api/problem";
import type { SavedView } from "@/api/types";

export type ViewPage =
  | "overview"
  | "accounts"
  | "contacts"
  | "owners"
  | "revenue"
  | "health"
  | "segments"
  | "targets"
  | "data"
  | `dashboards/${string}`;
export type State = Record<string, string>;

export const viewsQuery = (page: ViewPage) =>
  queryOptions({
    queryKey: ["views", page],
    queryFn: () => take(api.GET("/api/v1/views", { params: { query: { page } } })),
    staleTime: 300_000,
  });

/** What of a page's address a view keeps: everything that is set, but not the day. */
export function stateOf(search: Record<string, unknown>): State {
  const state: State = {};
  for (const [key, value] of Object.entries(search))
    if (key !== "as_of" && key !== "view" && value !== undefined && value !== "") state[key] = String(value);
  return state;
}

export const same = (a: State, b: State): boolean => {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => a[k] === b[k]);
};

export const addView = (page: ViewPage, name: string, state: State, shared: boolean) =>
  take(api.POST("/api/v1/views", { body: { page, name, state, shared } }));

/** Somebody else changed the view first: as it is now. */
export class ViewConflict extends Error {
  readonly current: SavedView;
  constructor(current: SavedView, detail: string) {
    super(detail);
    this.name = "ViewConflict";
    this.current = current;
  }
}

/** Changes a view; a change by somebody else in between is a `ViewConflict`. */
export async function changeView(
  view: Pick<SavedView, "id" | "version" | "name" | "shared">,
  state: State,
): Promise<SavedView> {
  const { id, version, name, shared } = view;
  const { data, error, response } = await api.PUT("/api/v1/views/{id}", {
    params: { path: { id } },
    body: { version, name, state, shared },
  });
  if (data) return data as SavedView;
  const told = error as unknown as { current?: SavedView; detail?: string };
  if (response.status === 409 && told.current) throw new ViewConflict(told.current, told.detail ?? "");
  throw toProblem(response.status, error, response.headers.get("x-request-id"));
}

export const removeView = (id: string) => take(api.DELETE("/api/v1/views/{id}", { params: { path: { id } } }));

export const setDefault = (id: string, on: boolean) => {
  const params = { params: { path: { id } } };
  return take(on ? api.PUT("/api/v1/views/{id}/default", params) : api.DELETE("/api/v1/views/{id}/default", params));
};
