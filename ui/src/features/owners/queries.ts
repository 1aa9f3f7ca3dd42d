import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** Everything about owners begins with this key: one change makes all of it stale. */
export const OWNERS = ["owners"];

export const ownersQuery = queryOptions({
  queryKey: [...OWNERS, "list"],
  queryFn: () => take(api.GET("/api/v1/owners")),
});

export const ownerBookQuery = (owner: string) =>
  queryOptions({
    queryKey: [...OWNERS, "book", owner],
    queryFn: () => take(api.GET("/api/v1/owners/{owner}/book", { params: { path: { owner } } })),
  });

export const ownerSettingsQuery = queryOptions({
  queryKey: [...OWNERS, "settings"],
  queryFn: () => take(api.GET("/api/v1/owner-settings")),
  staleTime: 60_000,
});

export type View = "unassigned" | "not_managed" | "unserved";
export const attentionQuery = (view: View) =>
  infiniteQueryOptions({
    queryKey: [...OWNERS, "attention", view],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/owners/attention", { params: { query: { view, cursor: pageParam, limit: 100 } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const handoversQuery = queryOptions({
  queryKey: [...OWNERS, "handovers"],
  queryFn: () => take(api.GET("/api/v1/handovers", { params: { query: { limit: 200 } } })),
});

export const reassignmentsQuery = infiniteQueryOptions({
  queryKey: [...OWNERS, "reassignments"],
  queryFn: ({ pageParam }) =>
    take(api.GET("/api/v1/reassignments", { params: { query: { cursor: pageParam, limit: 50 } } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

/** One KPI by owner, month by month. */
export const kpiByOwnerQuery = (id: string, from: string, to: string) =>
  queryOptions({
    queryKey: ["kpis", "by-owner", id, from, to],
    queryFn: () =>
      take(
        api.GET("/api/v1/kpis/{id}/series", {
          params: { path: { id }, query: { grain: "month", from, to, by: "owner" } },
        }),
      ),
    staleTime: 60_000,
  });
