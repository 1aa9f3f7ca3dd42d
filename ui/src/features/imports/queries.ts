import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** The imports, looked at again each second while one runs. */
export const importsQuery = queryOptions({
  queryKey: ["imports"],
  queryFn: () => take(api.GET("/api/v1/imports", { params: { query: { limit: 100 } } })),
  refetchInterval: (query) => (query.state.data?.items.some((i) => i.state === "running") ? 1000 : 30_000),
});

export const rejectsQuery = (importId: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["rejects", importId ?? "all"],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/rejects", {
          params: { query: { import: importId, state: "open", cursor: pageParam, limit: 50 } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
