import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Preferences, Session } from "@/api/types";
import { SESSION } from "@/features/auth/queries";

export const firstStepsQuery = queryOptions({
  queryKey: ["first-steps"],
  queryFn: () => take(api.GET("/api/v1/first-steps")),
  staleTime: 0,
});

/** Changes some of what the reader set for themselves; the session holds all of it. */
export async function setPreferences(queries: QueryClient, change: Partial<Preferences>): Promise<void> {
  const session = queries.getQueryData<Session>(SESSION);
  if (!session) return;
  const next = { ...session.preferences, ...change };
  const kept = await take(api.PUT("/api/v1/preferences", { body: next }));
  queries.setQueryData<Session>(SESSION, (s) => (s ? { ...s, preferences: kept } : s));
  await queries.invalidateQueries({ queryKey: ["first-steps"] });
}
