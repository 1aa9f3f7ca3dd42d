import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { AccountsQuery } from "@/api/types";

const PAGE = 200;

/** The accounts that match, a page at a time; searching, filtering and sorting are the server's work. */
export const accountsQuery = (query: Omit<AccountsQuery, "cursor" | "limit">) =>
  infiniteQueryOptions({
    queryKey: ["accounts", "list", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/accounts", { params: { query: { ...query, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** The columns that this program's accounts can be shown with. */
export const columnsQuery = queryOptions({
  queryKey: ["accounts", "columns"],
  queryFn: async () =>
    (await take(api.GET("/api/v1/accounts", { params: { query: { limit: 1, active: "any" } } }))).columns,
  staleTime: 300_000,
});

/** The few accounts whose name or id fits what is being typed. */
export const searchAccounts = (q: string) =>
  queryOptions({
    queryKey: ["accounts", "search", q],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/accounts", { params: { query: { q, active: "any", limit: 8 } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Everything about one account, in one answer. */
export const profileQuery = (id: string, asOf: string | undefined) =>
  queryOptions({
    queryKey: ["accounts", "one", id, asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/accounts/{id}/profile", { params: { path: { id }, query: { as_of: asOf } } })),
    refetchInterval: asOf ? false : 60_000,
    // While the slider moves, the last day stays on the page.
    placeholderData: (before, query) => (query?.queryKey[2] === id ? before : undefined),
  });

export type TimelineFilter = { kind?: string; q?: string };

/** What happened to one account, newest first; older pages follow on demand. */
export const timelineQuery = (id: string, filter: TimelineFilter, before: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["accounts", "timeline", id, filter, before ?? "live"],
    queryFn: ({ pageParam, signal }) =>
      take(
        api.GET("/api/v1/accounts/{id}/timeline", {
          params: { path: { id }, query: { ...filter, before: pageParam, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: before,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
