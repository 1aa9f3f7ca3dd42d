import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** The program in force: its name, version, zone and currency. */
export const programQuery = queryOptions({
  queryKey: ["program"],
  queryFn: () => take(api.GET("/api/v1/program")),
  staleTime: 300_000,
});
