import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { components, paths } from "@/api/schema";
import type { Answered } from "@/api/types";

type Schemas = components["schemas"];

export type ScoreList = Answered<Schemas["ScoreList"]>;
export type ScoreLine = Answered<Schemas["ScoreLine"]>;
export type ScoreGroup = Answered<Schemas["ScoreGroup"]>;
export type ScoreHead = Answered<Schemas["ScoreHead"]>;
export type AccountScore = Answered<Schemas["AccountScore"]>;
export type LedgerLine = Answered<Schemas["LedgerLine"]>;
export type ScoreOverride = Answered<Schemas["ScoreOverride"]>;
export type MovementProof = Answered<Schemas["MovementProof"]>;
export type Stage = Answered<Schemas["StageLine"]>;
export type Velocity = Answered<Schemas["VelocityLine"]>;
export type ScoresAsked = NonNullable<paths["/api/v1/scores"]["get"]["parameters"]["query"]>;

const PAGE = 50;

/** All accounts with their scores, a page at a time; the figures of the whole come with every page. */
export const scoresQuery = (query: Omit<ScoresAsked, "cursor" | "limit">) =>
  infiniteQueryOptions({
    queryKey: ["scores", "list", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/scores", { params: { query: { ...query, limit: PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });

/** One account's score with everything that it is made of. */
export const accountScoreQuery = (id: string, asOf: string | undefined) =>
  queryOptions({
    queryKey: ["scores", "account", id, asOf ?? "live"],
    queryFn: () => take(api.GET("/api/v1/accounts/{id}/scores", { params: { path: { id }, query: { as_of: asOf } } })),
    refetchInterval: asOf ? false : 60_000,
    placeholderData: (before, query) => (query?.queryKey[2] === id ? before : undefined),
  });

/** What a changed score would do to the accounts as they are today. */
export const previewQuery = (score: object) =>
  queryOptions({
    queryKey: ["scores", "preview", score],
    queryFn: ({ signal }) =>
      take(api.POST("/api/v1/scores/preview", { body: { score: score as Record<string, never> }, signal })),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 60_000,
  });

/** How a metric is spread over the accounts of a model. */
export const spreadQuery = (score: string, metric: string, model: string) =>
  queryOptions({
    queryKey: ["scores", "spread", score, metric, model],
    queryFn: () =>
      take(api.GET("/api/v1/scores/{id}/distribution", { params: { path: { id: score }, query: { metric, model } } })),
    staleTime: 300_000,
    retry: false,
  });

/** How well a changed score would have told its outcome, on the newest closed month ends. */
export const draftAccuracyQuery = (score: object) =>
  queryOptions({
    queryKey: ["scores", "accuracy", score],
    queryFn: ({ signal }) =>
      take(api.POST("/api/v1/scores/preview/accuracy", { body: { score: score as Record<string, never> }, signal })),
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 300_000,
  });

/** What became of accounts by the band that they were in and the way that they moved. */
export const movementQuery = (score: string | undefined, segment: string | undefined) =>
  queryOptions({
    queryKey: ["scores", "movement", score, segment],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/scores/movement", { params: { query: { score, segment } }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  });

/** What a score was computed by, since when. */
export const versionsQuery = (score: string) =>
  queryOptions({
    queryKey: ["scores", "versions", score],
    queryFn: () => take(api.GET("/api/v1/scores/{id}/versions", { params: { path: { id: score } } })),
    staleTime: 60_000,
  });
