import { queryOptions } from "@tanstack/react-query";
import { api, setCsrf, take } from "@/api/client";

/** The key of the session in the query cache. */
export const SESSION = ["session"];

export const sessionQuery = queryOptions({
  queryKey: SESSION,
  queryFn: async () => {
    const session = await take(api.GET("/api/v1/session"));
    setCsrf(session.csrf);
    return session;
  },
  staleTime: 300_000,
});

export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: () => take(api.GET("/api/v1/setup")),
  staleTime: 0,
});

export const usersQuery = queryOptions({ queryKey: ["users"], queryFn: () => take(api.GET("/api/v1/users")) });
export const keysQuery = queryOptions({ queryKey: ["keys"], queryFn: () => take(api.GET("/api/v1/keys")) });
