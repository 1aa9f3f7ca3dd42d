/** Names for the shapes of the generated client, as the pages speak of them. */
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

/**
 * An answer as it arrives. The document marks a field that may be null as optional too, because a request may leave it
 * out; in an answer it is always there.
 */
export type Answered<T> = T extends (infer Item)[]
  ? Answered<Item>[]
  : T extends object
    ? { [K in keyof T]-?: Answered<Exclude<T[K], undefined>> }
    : T;

type From<Name extends keyof Schemas> = Answered<Schemas[Name]>;
/** A shape with some fields narrowed that the document leaves open (texts of a fixed set, free JSON). */
type Narrow<T, Fields> = Omit<T, keyof Fields> & Fields;
type Asked<Route extends keyof paths> = paths[Route] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;

export type Status = From<"Status">;
export type Scalar = string | number | boolean | null;
type Better = { better: "up" | "down" };

/** One figure: a KPI in one scope, held against at most one target. */
export type Kpi = Narrow<From<"KpiFigure">, Better>;
export type TrendPoint = From<"Trend">;
export type KpisAnswer = Narrow<From<"KpiList">, { kpis: Kpi[]; trends: Record<string, TrendPoint[]> }>;
export type SeriesAnswer = From<"Series">;
export type Side = "numerator" | "denominator" | "rest";
export type Target = Narrow<From<"TargetLine">, Better>;

export type AccountRow = Narrow<From<"AccountItem">, { values: Record<string, Scalar> }>;
export type Column = From<"ColumnInfo">;
export type AccountsPage = Narrow<From<"AccountList">, { items: AccountRow[] }>;
export type AccountsQuery = Asked<"/api/v1/accounts">;
export type Metric = From<"MetricValue">;
export type MrrSpan = From<"MrrLine">;
export type Contact = Narrow<From<"ContactRow">, { attributes: Record<string, unknown> }>;
export type Account = Narrow<From<"AccountPage">, { attributes: Record<string, Scalar>; contacts: Contact[] }>;
export type TimelineItem = Narrow<From<"TimelineItem">, { properties: Record<string, unknown> }>;

export type Segment = From<"SegmentLine">;
export type SegmentsAnswer = From<"Segments">;
export type PreviewAnswer = Narrow<From<"Preview">, { counts: Record<string, number> }>;

export type Role = From<"Role">;
export type User = From<"User">;
export type Session = From<"SignedIn">;
export type Scope = From<"Scope">;

export type Reject = From<"RejectItem">;
export type Import = From<"ImportItem">;

export type Placed = From<"Placed">;
export type Change = {
  kind: "added" | "removed" | "changed";
  what: string;
  id: string;
  fields: { field: string; old: unknown; new: unknown }[];
};
export type PlanAnswer = Narrow<From<"Planned">, { changes: Change[]; segments: PreviewAnswer | null }>;
