import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { DashboardDefinition, DashboardFilters, DashboardQuery, Side, TileDefinition } from "@/api/types";
import { looksAgain } from "./rules";

export const dashboardsQuery = queryOptions({
  queryKey: ["dashboards"],
  queryFn: () => take(api.GET("/api/v1/dashboards")),
});

/** How often in a row a page came with tiles that were being brought up to date. */
const waited = new Map<string, number>();

/** A whole page of figures; a live page looks again each minute, and sooner while a tile is being brought up to date. */
export const dashboardQuery = (id: string, query: DashboardQuery) => {
  const queryKey = ["dashboards", "data", id, query];
  const key = JSON.stringify(queryKey);
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }) => {
      const page = await take(api.GET("/api/v1/dashboards/{id}/data", { params: { path: { id }, query }, signal }));
      if (page.tiles.some((t) => t.freshness === "updating")) waited.set(key, (waited.get(key) ?? 0) + 1);
      else waited.delete(key);
      return page;
    },
    placeholderData: (before) => (before?.id === id ? keepPreviousData(before) : undefined),
    refetchInterval: () => looksAgain(waited.get(key) ?? 0, query.as_of === undefined),
  });
};

/** How a dashboard is made. */
export const definitionQuery = (id: string) =>
  queryOptions({
    queryKey: ["dashboards", "definition", id],
    queryFn: async () =>
      (await take(api.GET("/api/v1/dashboards/{id}", { params: { path: { id } } }))) as unknown as DashboardDefinition,
  });

/** Tiles that are not kept, with their figures; `key` names what decides these. */
export const previewQuery = (key: string, tiles: TileDefinition[], filters: DashboardFilters) =>
  queryOptions({
    queryKey: ["dashboards", "preview", key, filters],
    queryFn: ({ signal }) =>
      take(
        api.POST("/api/v1/dashboards/preview", {
          body: { definition: { title: "Preview", tiles }, filters },
          signal,
        }),
      ),
    enabled: tiles.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });

/** The tables and columns that queries may read. */
export const tablesQuery = queryOptions({
  queryKey: ["sql", "tables"],
  queryFn: () => take(api.GET("/api/v1/sql/tables")),
  staleTime: 600_000,
});

export type KpiPoint = {
  kpi: string;
  as_of: string;
  by?: string;
  scope?: string;
  segment?: string;
  owner?: string;
};

/** The accounts behind a point of a KPI, a page at a time. */
export const pointAccountsQuery = (point: KpiPoint, side: Side) =>
  infiniteQueryOptions({
    queryKey: ["dashboards", "point", point, side],
    queryFn: ({ pageParam }) => {
      const { kpi, ...query } = point;
      return take(
        api.GET("/api/v1/kpis/{id}/accounts", {
          params: { path: { id: kpi }, query: { ...query, side, limit: 50, cursor: pageParam } },
        }),
      );
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** The accounts that a condition chooses, a page at a time. */
export const chosenAccountsQuery = (filter: string, asOf: string | undefined, active: string) =>
  infiniteQueryOptions({
    queryKey: ["dashboards", "chosen", filter, asOf ?? "live", active],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/accounts", {
          params: { query: { filter, as_of: asOf, active, limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
