import type * as T from "./types";

/** One operation in the form that openapi-fetch reads. */
type Op<Answer, Query = never, Path = never, Body = never> = {
  parameters: [Path] extends [never] ? { query?: Query; path?: never } : { query?: Query; path: Path };
  responses: { 200: { content: { "application/json": Answer } } };
} & ([Body] extends [never] ? { requestBody?: never } : { requestBody: { content: { "application/json": Body } } });

type Get<Answer, Query = never, Path = never> = { get: Op<Answer, Query, Path> };
type Post<Answer, Body = never, Path = never> = { post: Op<Answer, never, Path, Body> };
type Id = { id: string };
type AsOf = { as_of?: string };
type Cursor = { cursor?: string; limit?: number };

export type AccountsQuery = AsOf &
  Cursor & {
    q?: string;
    segment?: string;
    owner?: string;
    active?: string;
    filter?: string;
    sort?: string;
    columns?: string;
  };
export type TimelineQuery = AsOf & { kind?: string; q?: string; before?: string; limit?: number };
export type SeriesQuery = { grain?: string; from?: string; to?: string; by?: string };
export type KpiAccountsQuery = AsOf & Cursor & { scope?: string; side?: Side };
export type Side = "numerator" | "denominator" | "rest";
type Files = { files: Record<string, string> };
type Replay = { ids?: string[]; import?: string; map?: string };
type NewImport = { path: string; kind?: string; map?: string; dry_run: boolean };

/** The routes of the API that the browser uses. */
export interface paths {
  "/api/v1/setup": Get<{ needed: boolean; code_needed: boolean }> &
    Post<T.Session, { email: string; name: string; password: string; code?: string }>;
  "/api/v1/session": Get<T.Session> & Post<T.Session, { email: string; password: string }> & { delete: Op<unknown> };
  "/api/v1/session/password": { put: Op<T.Session, never, never, { current: string; password: string }> };
  "/api/v1/sessions": Get<{ sessions: T.OwnSession[] }>;
  "/api/v1/sessions/{id}": { delete: Op<unknown, never, Id> };
  "/api/v1/kpis": Get<T.KpisAnswer, AsOf & { by?: string }>;
  "/api/v1/kpis/{id}/series": Get<T.SeriesAnswer, SeriesQuery, Id>;
  "/api/v1/kpis/{id}/accounts": Get<T.Page<T.KpiAccount>, KpiAccountsQuery, Id>;
  "/api/v1/targets": Get<{ as_of: string; targets: T.Target[] }, AsOf>;
  "/api/v1/accounts": Get<T.AccountsPage, AccountsQuery>;
  "/api/v1/accounts/{id}": Get<T.Account, AsOf, Id>;
  "/api/v1/accounts/{id}/timeline": Get<T.TimelinePage, TimelineQuery, Id>;
  "/api/v1/segments": Get<T.SegmentsAnswer, AsOf>;
  "/api/v1/segments/preview": Post<T.PreviewAnswer, { segments: T.SegmentRule[]; unclassified?: string }>;
  "/api/v1/users": Get<{ users: T.User[] }> &
    Post<T.Added, { email: string; name?: string; role: T.Role; password?: string }>;
  "/api/v1/users/{id}": { patch: Op<T.User, never, Id, { role?: T.Role; disabled?: boolean }> };
  "/api/v1/users/{id}/password": Post<T.Added, { password?: string }, Id>;
  "/api/v1/keys": Get<{ keys: T.Key[] }> & Post<T.AddedKey, { name: string; scope: T.Key["scope"] }>;
  "/api/v1/keys/{id}": { delete: Op<unknown, never, Id> };
  "/api/v1/audit": Get<{ items: T.AuditRow[]; next_cursor: string | null }, Cursor>;
  "/api/v1/sources": Get<{ sources: T.Source[] }>;
  "/api/v1/rejects": Get<T.Page<T.Reject>, Cursor & { import?: string; source?: string; state?: "open" | "replayed" }>;
  "/api/v1/rejects/replay": Post<T.ReplayAnswer, Replay>;
  "/api/v1/imports": Get<{ items: T.Import[]; next_cursor: string | null }, Cursor> & Post<T.Import, NewImport>;
  "/api/v1/imports/{id}": Get<T.Import, never, Id>;
  "/api/v1/imports/{id}/cancellation": Post<T.Import, never, Id>;
  "/api/v1/metrics/progress": Get<T.Computing>;
  "/api/v1/sql": Post<T.SqlAnswer, { query: string; limit?: number }>;
  "/api/v1/program": Get<T.ProgramInfo>;
  "/api/v1/program/versions": Get<{ versions: T.ProgramVersion[] }>;
  "/api/v1/program/export": Get<Files & { version: T.ProgramVersion }, { version?: number }>;
  "/api/v1/program/check": Post<T.CheckAnswer, Files>;
  "/api/v1/program/plan": Post<T.PlanAnswer, Files>;
  "/api/v1/program/apply": Post<T.ProgramVersion, Files & { note?: string }>;
  "/api/v1/program/versions/{version}/restore": Post<T.ProgramVersion, never, { version: number }>;
}
