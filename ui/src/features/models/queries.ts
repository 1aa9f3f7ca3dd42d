import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Answered } from "@/api/types";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Backtest = Answered<Schemas["Backtest"]>;
export type Report = Answered<Schemas["BacktestReport"]>;
export type Method = Answered<Schemas["BacktestMethod"]>;
export type Figure = Answered<Schemas["FigureWithInterval"]>;
export type Model = Answered<Schemas["TrainedModel"]>;
export type Comparison = Answered<Schemas["ModelComparison"]>;
export type Risk = Answered<Schemas["RiskList"]>;
export type RiskLine = Answered<Schemas["RiskLine"]>;
export type Outcome = Answered<Schemas["OutcomeLine"]>;
export type ScoreAccuracy = Answered<Schemas["ScoreAccuracy"]>;
export type Operation = Answered<Schemas["ModelOperation"]>;

export const KEY = "models";
const fresh = { placeholderData: keepPreviousData, staleTime: 30_000 } as const;
/** Work in the background is looked at every second while it runs. */
const WATCH = 1_000;

export const outcomesQuery = queryOptions({
  queryKey: [KEY, "outcomes"],
  queryFn: ({ signal }) => take(api.GET("/api/v1/outcomes", { signal })),
  ...fresh,
});

export const backtestsQuery = (id: string) =>
  queryOptions({
    queryKey: [KEY, "backtests", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/scores/{id}/backtests", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.items.some((it) => it.state === "running") ? WATCH : false),
    ...fresh,
  });

export const backtestQuery = (id: string) =>
  queryOptions({
    queryKey: [KEY, "backtest", id],
    queryFn: ({ signal }) => take(api.GET("/api/v1/backtests/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? WATCH : false),
    staleTime: 30_000,
  });

export const accuracyQuery = (score: string) =>
  queryOptions({
    queryKey: [KEY, "accuracy", score],
    queryFn: ({ signal }) => take(api.GET("/api/v1/scores/{id}/accuracy", { params: { path: { id: score } }, signal })),
    refetchInterval: ({ state }) => (state.data && state.data.running !== null ? WATCH : false),
    staleTime: 30_000,
  });

export const modelsQuery = (outcome: string) =>
  queryOptions({
    queryKey: [KEY, "list", outcome],
    queryFn: ({ signal }) => take(api.GET("/api/v1/models", { params: { query: { outcome } }, signal })),
    refetchInterval: ({ state }) => (state.data?.items.some((it) => it.state === "running") ? WATCH : false),
    ...fresh,
  });

export const comparisonQuery = (first: string, second: string) =>
  queryOptions({
    queryKey: [KEY, "comparison", first, second],
    queryFn: ({ signal }) =>
      take(api.GET("/api/v1/models/comparison", { params: { query: { first, second } }, signal })),
  });

export const operationQuery = (outcome: string) =>
  queryOptions({
    queryKey: [KEY, "operation", outcome],
    queryFn: ({ signal }) => take(api.GET("/api/v1/predictions", { params: { query: { outcome } }, signal })),
    ...fresh,
  });

export type RiskAsked = { outcome?: string; segment?: string; owner?: string; sort?: string; limit?: number };
export const riskQuery = (query: RiskAsked) =>
  queryOptions({
    queryKey: [KEY, "risk", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/risk", { params: { query }, signal })),
    ...fresh,
  });

export const startBacktest = (id: string, body: Schemas["NewBacktest"]) =>
  take(api.POST("/api/v1/scores/{id}/backtests", { params: { path: { id } }, body }));

export const train = (outcome: string, method: string) =>
  take(
    api.POST("/api/v1/models/train", { body: { outcome, method, note: "", backtest: {} as Schemas["NewBacktest"] } }),
  );

export const promote = (id: string, version: number, despite = false, note = "") =>
  take(api.POST("/api/v1/models/{id}/promotion", { params: { path: { id } }, body: { version, despite, note } }));

export const withdraw = (id: string, version: number) =>
  take(api.DELETE("/api/v1/models/{id}/promotion", { params: { path: { id }, query: { version } } }));
