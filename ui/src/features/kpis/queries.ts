import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Side } from "@/api/types";
import { monthStart } from "@/shared/days";

/** Every KPI in every scope, as of a day or live; a live page looks again each minute. */
export const kpisQuery = (asOf: string | undefined) =>
  queryOptions({
    queryKey: ["kpis", asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/kpis", { params: { query: { as_of: asOf, by: "segment" } } })),
    placeholderData: keepPreviousData,
    refetchInterval: asOf ? false : 60_000,
  });

/** The months of one KPI, in all scopes, up to the day that the figures stand for (as the server counts days). */
export const seriesQuery = (kpi: string, to: string, months: number) => {
  const from = monthStart(to, months - 1);
  return queryOptions({
    queryKey: ["kpis", "series", kpi, from, to],
    queryFn: () =>
      take(
        api.GET("/api/v1/kpis/{id}/series", {
          params: { path: { id: kpi }, query: { grain: "month", from, to, by: "segment" } },
        }),
      ),
    staleTime: 120_000,
  });
};

/** Who stands in the numerator or the denominator, a page at a time. */
export const kpiAccountsQuery = (kpi: string, scope: string, side: Side, asOf: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["kpis", "accounts", kpi, scope, side, asOf ?? "live"],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/kpis/{id}/accounts", {
          params: { path: { id: kpi }, query: { scope, side, as_of: asOf, limit: 50, cursor: pageParam } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** Every target's status month by month, and where its figure leads. */
export const outlookQuery = (asOf: string | undefined) =>
  queryOptions({
    queryKey: ["targets", "outlook", asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/targets/outlook", { params: { query: { as_of: asOf } } })),
    staleTime: 60_000,
  });

/** One target: its way, where it leads, and what was done to its baseline. */
export const targetQuery = (id: string, asOf: string | undefined) =>
  queryOptions({
    queryKey: ["targets", "one", id, asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/targets/{id}", { params: { path: { id }, query: { as_of: asOf } } })),
  });

export const targetsQuery = (asOf: string | undefined) =>
  queryOptions({
    queryKey: ["targets", asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/targets", { params: { query: { as_of: asOf } } })),
  });
