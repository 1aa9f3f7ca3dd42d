import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { DuplicateKind, MergeSide } from "@/api/types";

export const PAGE = 50;

export const duplicatesQuery = (kind: DuplicateKind, dismissed: boolean, offset: number) =>
  queryOptions({
    queryKey: ["duplicates", "pairs", kind, dismissed, offset],
    queryFn: () => take(api.GET("/api/v1/duplicates", { params: { query: { kind, dismissed, offset, limit: PAGE } } })),
  });

export const comparisonQuery = (survivor: string, merged: string) =>
  queryOptions({
    queryKey: ["duplicates", "comparison", survivor, merged],
    queryFn: () => take(api.GET("/api/v1/duplicates/comparison", { params: { query: { survivor, merged } } })),
    staleTime: 0,
  });

export const mergesQuery = queryOptions({
  queryKey: ["duplicates", "merges"],
  queryFn: () => take(api.GET("/api/v1/account-merges", { params: { query: { limit: 100 } } })),
});

export const contactMergesQuery = queryOptions({
  queryKey: ["duplicates", "contact-merges"],
  queryFn: () => take(api.GET("/api/v1/contact-merges", { params: { query: { limit: 100 } } })),
});

export const mergeAccounts = (survivor: string, merged: string, choices: Record<string, MergeSide>) =>
  take(api.POST("/api/v1/account-merges", { body: { survivor, merged, choices } }));

export const partAccounts = (id: string) =>
  take(api.POST("/api/v1/account-merges/{id}/parting", { params: { path: { id } } }));

export const mergeContacts = (survivor: string, merged: string) =>
  take(api.POST("/api/v1/contact-merges", { body: { survivor, merged } }));

export const partContacts = (id: string) =>
  take(api.POST("/api/v1/contact-merges/{id}/parting", { params: { path: { id } } }));

export const dismiss = (kind: DuplicateKind, one: string, other: string) =>
  take(api.POST("/api/v1/duplicates/dismissals", { body: { kind, one, other } }));

export const restore = (kind: DuplicateKind, one: string, other: string) =>
  take(api.DELETE("/api/v1/duplicates/dismissals", { body: { kind, one, other } }));

/** A merge changes every figure: everything but the session is asked again. */
export const afterMerge = (queries: QueryClient) =>
  queries.invalidateQueries({ predicate: (q) => q.queryKey[0] !== "session" });
