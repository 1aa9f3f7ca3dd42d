import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Answered } from "@/api/types";
import type { components, paths } from "@/api/schema";

type Schemas = components["schemas"];
type Asked<Route extends keyof paths> = paths[Route] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;

export type Amount = Answered<Schemas["RevenueAmount"]>;
export type BridgeAnswer = Answered<Schemas["RevenueBridge"]>;
export type BridgeLine = Answered<Schemas["BridgeLine"]>;
export type ChurnAnswer = Answered<Schemas["RevenueChurn"]>;
export type Departure = Answered<Schemas["DepartureLine"]>;
export type CohortsAnswer = Answered<Schemas["RevenueCohorts"]>;
export type TopAnswer = Answered<Schemas["TopAccounts"]>;
export type SavesAnswer = Answered<Schemas["RevenueSaves"]>;
export type Save = Answered<Schemas["SaveLine"]>;
export type AccountChurn = Answered<Schemas["AccountChurn"]>;
export type ChurnFact = Answered<Schemas["ChurnFact"]>;
export type About = Schemas["ChurnAbout"];

/** What every question is narrowed by. */
export type Who = { as_of?: string; segment?: string; owner?: string; currency?: string; filter?: string };

const KEY = "revenue";
const fresh = { placeholderData: keepPreviousData, staleTime: 30_000 } as const;

export type BridgeAsked = Asked<"/api/v1/revenue/bridge">;
export const bridgeQuery = (query: BridgeAsked) =>
  queryOptions({
    queryKey: [KEY, "bridge", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/revenue/bridge", { params: { query }, signal })),
    ...fresh,
  });

export type BridgeAccountsAsked = Asked<"/api/v1/revenue/bridge/accounts">;
export const bridgeAccountsQuery = (query: BridgeAccountsAsked) =>
  infiniteQueryOptions({
    queryKey: [KEY, "bridge", "accounts", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/revenue/bridge/accounts", { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export type ChurnAsked = Asked<"/api/v1/revenue/churn">;
export const churnQuery = (query: ChurnAsked) =>
  queryOptions({
    queryKey: [KEY, "churn", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/revenue/churn", { params: { query }, signal })),
    ...fresh,
  });

export type DeparturesAsked = Asked<"/api/v1/revenue/churn/accounts">;
export const departuresQuery = (query: DeparturesAsked) =>
  infiniteQueryOptions({
    queryKey: [KEY, "departures", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/revenue/churn/accounts", { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export type CohortsAsked = Asked<"/api/v1/revenue/cohorts">;
export const cohortsQuery = (query: CohortsAsked) =>
  queryOptions({
    queryKey: [KEY, "cohorts", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/revenue/cohorts", { params: { query }, signal })),
    ...fresh,
  });

export type CohortAccountsAsked = paths["/api/v1/revenue/cohorts/accounts"]["get"]["parameters"]["query"];
export const cohortAccountsQuery = (query: CohortAccountsAsked) =>
  infiniteQueryOptions({
    queryKey: [KEY, "cohorts", "accounts", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/revenue/cohorts/accounts", { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export type TopAsked = Asked<"/api/v1/revenue/top">;
export const topQuery = (query: TopAsked) =>
  queryOptions({
    queryKey: [KEY, "top", query],
    queryFn: ({ signal }) => take(api.GET("/api/v1/revenue/top", { params: { query }, signal })),
    ...fresh,
  });

export type SavesAsked = Asked<"/api/v1/revenue/saves">;
export const savesQuery = (query: SavesAsked) =>
  infiniteQueryOptions({
    queryKey: [KEY, "saves", query],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/revenue/saves", { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** What is known of one account's leaving. */
export const accountChurnQuery = (id: string) =>
  queryOptions({
    queryKey: [KEY, "account", id],
    queryFn: () => take(api.GET("/api/v1/revenue/accounts/{id}", { params: { path: { id } } })),
  });

/** The address of the same question as a file for a spreadsheet. */
export function csvAddress(path: string, query: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, format: "csv" }))
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  return `/api/v1/revenue/${path}?${search.toString()}`;
}
