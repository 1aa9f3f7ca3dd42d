import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const sourcesQuery = queryOptions({
  queryKey: ["sources"],
  queryFn: () => take(api.GET("/api/v1/sources")),
  refetchInterval: 30_000,
});

/** Sources that are silent, and that were. */
export const alarmsQuery = queryOptions({
  queryKey: ["sources", "alarms"],
  queryFn: () => take(api.GET("/api/v1/sources/alarms")),
  refetchInterval: 60_000,
  staleTime: 30_000,
});

export const namesQuery = queryOptions({
  queryKey: ["event-names"],
  queryFn: () => take(api.GET("/api/v1/events/names", { params: { query: { days: 30 } } })),
  staleTime: 30_000,
});

export const nameQuery = (name: string) =>
  queryOptions({
    queryKey: ["event-names", name],
    queryFn: () => take(api.GET("/api/v1/events/names/{name}", { params: { path: { name } } })),
    staleTime: 30_000,
  });
