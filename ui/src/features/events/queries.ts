import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const sourcesQuery = queryOptions({
  queryKey: ["sources"],
  queryFn: () => take(api.GET("/api/v1/sources")),
  refetchInterval: 30_000,
});
