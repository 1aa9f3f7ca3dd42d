import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const segmentsQuery = (asOf: string | undefined) =>
  queryOptions({
    queryKey: ["segments", asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/segments", { params: { query: { as_of: asOf } } })),
  });

/** The names that a rule may use. */
export const namesQuery = queryOptions({
  queryKey: ["segments", "names"],
  queryFn: () => take(api.GET("/api/v1/segments/names")),
  staleTime: 300_000,
});

/** Whom a rule would take; an answer that nobody waits for any more is cancelled. */
export const ruleQuery = (rule: string) =>
  queryOptions({
    queryKey: ["segments", "rule", rule],
    queryFn: ({ signal }) => take(api.POST("/api/v1/segments/rule/check", { body: { rule }, signal })),
    enabled: rule.trim() !== "",
    placeholderData: keepPreviousData,
  });

export const historyQuery = (grain: string, to: string | undefined) =>
  queryOptions({
    queryKey: ["segments", "history", grain, to ?? "live"],
    queryFn: () => {
      const from = grain === "day" ? daysBefore(to, 90) : undefined;
      return take(api.GET("/api/v1/segments/history", { params: { query: { grain, to, from } } }));
    },
  });

function daysBefore(day: string | undefined, days: number): string {
  const at = day ? new Date(`${day}T00:00:00Z`) : new Date();
  at.setUTCDate(at.getUTCDate() - days);
  return at.toISOString().slice(0, 10);
}

export const flowQuery = (grain: string, to: string | undefined) =>
  queryOptions({
    queryKey: ["segments", "flow", grain, to ?? "live"],
    queryFn: () => take(api.GET("/api/v1/segments/flow", { params: { query: { grain, to } } })),
  });

export const flowAccountsQuery = (way: { from_day: string; to_day: string; from?: string; to?: string }) =>
  queryOptions({
    queryKey: ["segments", "flow", "accounts", way],
    queryFn: () => take(api.GET("/api/v1/segments/flow/accounts", { params: { query: { ...way, limit: 100 } } })),
  });

export const overlapsQuery = queryOptions({
  queryKey: ["segments", "overlaps"],
  queryFn: () => take(api.GET("/api/v1/segments/overlaps")),
});

export const doubtfulQuery = (kind: "unclassified" | "undecided") =>
  queryOptions({
    queryKey: ["segments", "unclassified", kind],
    queryFn: () => take(api.GET("/api/v1/segments/unclassified", { params: { query: { kind, limit: 100 } } })),
  });
