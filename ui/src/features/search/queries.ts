import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** The few accounts and contacts that fit what is being typed. */
export const searchQuery = (q: string) =>
  queryOptions({
    queryKey: ["search", q],
    queryFn: ({ signal }) => take(api.GET("/api/v1/search", { params: { query: { q } }, signal })),
    placeholderData: keepPreviousData,
    enabled: q.length > 0,
  });
