import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const segmentsQuery = (asOf: string | undefined) =>
  queryOptions({
    queryKey: ["segments", asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/segments", { params: { query: { as_of: asOf } } })),
  });
