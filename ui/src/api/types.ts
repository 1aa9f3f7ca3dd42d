/** The shapes of the API's answers, as docs/shape.md declares them. */

export type Status = "met" | "on_track" | "at_risk" | "behind" | "no_data";
export type Unit = "ratio" | "number" | "money" | "points" | "days" | "hours";

/** One figure: a KPI in one scope, held against at most one target. */
export type Kpi = {
  kpi: string;
  label: string;
  /** The heading that it stands under; empty = none given. */
  group: string;
  /** The definition in words. */
  description: string;
  scope: string;
  first_day: string;
  period: string;
  value: number | null;
  numerator: number | null;
  denominator: number | null;
  unit: string;
  better: "up" | "down";
  interval: number[] | null;
  median: number | null;
  p90: number | null;
  baseline: number | null;
  baseline_on: string | null;
  target: number | null;
  /** What the straight line from baseline to goal asks for on this day. */
  expected: number | null;
  target_id: string | null;
  deadline: string | null;
  status: Status | null;
  source: string | null;
  conflict: boolean;
  /** What has to be built or connected before the figure can exist. */
  waits_for: string | null;
  computed_at: string;
};
export type TrendPoint = { period: string; value: number | null };
export type KpisAnswer = { as_of: string; computed_at: string; kpis: Kpi[]; trends: Record<string, TrendPoint[]> };

export type SeriesPoint = {
  period: string;
  value: number | null;
  numerator: number | null;
  denominator: number | null;
  interval: number[] | null;
  target: number | null;
};
export type Series = { scope: string; points: SeriesPoint[] };
export type SeriesAnswer = { kpi: string; unit: string; grain: string; series: Series[]; computed_at: string };
export type KpiAccount = {
  /** Empty = events that belong to no account. */
  account_id: string;
  name: string;
  segment: string;
  numerator: number;
  denominator: number;
};
export type Page<T> = { items: T[]; next_cursor: string | null; total: number };

export type Target = {
  id: string;
  label: string;
  kpi: string;
  kpi_label: string;
  scope: string;
  program: string;
  unit: string;
  better: "up" | "down";
  baseline: number | null;
  baseline_on: string;
  frozen_at: string | null;
  goal: number | null;
  goal_kind: string;
  /** The figure as the source states it: −0.25 for "25 % less". */
  goal_stated: number;
  deadline: string;
  source: string;
  document: string;
  description: string;
  value: number | null;
  status: Status;
  expected: number | null;
  conflicts_with: string[];
};

export type Scalar = string | number | boolean | null;
export type AccountRow = {
  account_id: string;
  name: string;
  segment: string | null;
  owner: string | null;
  active: boolean;
  mrr: number | null;
  currency: string | null;
  /** How many doubts there are about its data. */
  flags: number;
  values: Record<string, Scalar>;
};
export type Column = { id: string; label: string; type: string; unit: string | null };
export type AccountsPage = Page<AccountRow> & {
  as_of: string;
  mrr_total: number;
  currency_default: string;
  /** Every column that may be asked for. */
  columns: Column[];
  computed_at: string;
};

export type Flag = { code: string; message: string };
export type Metric = {
  id: string;
  label: string;
  description: string;
  unit: string;
  value: number | null;
  window: string | null;
  first_day: string | null;
  /** What the value is made of, in words. */
  explained: string;
};
export type Subscription = {
  subscription_id: string;
  from_day: string;
  /** First day on which it no longer holds; null = running. */
  to_day: string | null;
  mrr: number | null;
  currency: string | null;
  reason: string | null;
};
export type Contact = {
  contact_id: string;
  name: string | null;
  email: string | null;
  title: string | null;
  role: string | null;
};
export type SegmentSpan = { from: string; to: string | null; segment: string; why: string | null };
export type MrrSpan = { from: string; active: boolean; mrr: number | null };
export type Account = {
  as_of: string;
  account_id: string;
  name: string;
  segment: string | null;
  segment_since: string | null;
  segment_why: string;
  owner: string | null;
  active: boolean;
  started_on: string | null;
  churned_on: string | null;
  mrr: number | null;
  currency: string | null;
  /** Whether nothing but its id is known. */
  stub: boolean;
  attributes: Record<string, Scalar>;
  flags: Flag[];
  metrics: Metric[];
  subscriptions: Subscription[];
  contacts: Contact[];
  segment_history: SegmentSpan[];
  mrr_history: MrrSpan[];
  computed_at: string;
};
export type TimelineItem = {
  message_id: string;
  name: string;
  kind: string;
  occurred_at: string;
  received_at: string;
  contact_id: string | null;
  source: string;
  properties: Record<string, unknown>;
};
export type TimelinePage = { items: TimelineItem[]; next_cursor: string | null };

export type Segment = {
  id: string;
  label: string;
  description: string;
  rule: string;
  accounts: number;
  active: number;
  mrr: number;
  /** Share of all active accounts. */
  share: number | null;
};
export type Reason = { reason: string; accounts: number };
export type SegmentsAnswer = {
  as_of: string;
  segments: Segment[];
  unclassified: { accounts: number; reasons: Reason[] };
  rule_unclassified: string | null;
  currency: string;
  /** Active accounts whose segment could change if a missing field were filled. */
  undecided: Reason[];
  /** Share of the active accounts that are in a segment. */
  categorized: number | null;
  total: number;
  computed_at: string;
};
export type SegmentRule = { id: string; label?: string; rule: string };
export type MoveSample = { account_id: string; name: string; mrr: number | null; why: string };
export type SegmentMove = { from: string; to: string; accounts: number; mrr: number; sample: MoveSample[] };
export type PreviewAnswer = {
  moves: SegmentMove[];
  counts: Record<string, number>;
  unclassified: number;
  undecided: number;
  total: number;
};

export type Role = "admin" | "manager" | "csm" | "viewer";
export type User = {
  id: string;
  email: string;
  name: string;
  role: Role;
  time_zone: string | null;
  created_at: string;
  disabled_at: string | null;
  seen_at: string | null;
};
export type Added = { user: User; password: string | null };
export type OwnSession = {
  id: string;
  current: boolean;
  created_at: string;
  seen_at: string;
  expires_at: string;
  user_agent: string | null;
};
export type Session = { user: User; csrf: string };
export type Key = {
  id: string;
  name: string;
  scope: "ingest" | "read" | "write";
  prefix: string;
  created_at: string;
  created_by: string;
  used_at: string | null;
  revoked_at: string | null;
};
export type AddedKey = { key: Key; secret: string };
export type AuditRow = {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  detail: unknown;
  request_id: string | null;
};

export type Source = {
  source: string;
  first_event_at: string | null;
  last_event_at: string | null;
  events: number;
  events_24h: number;
  rejected: number;
  lag_p50_s: number | null;
};
export type Reject = {
  id: string;
  at: string;
  source: string;
  import: string | null;
  file: string | null;
  line: number | null;
  kind: string;
  field: string | null;
  value: string | null;
  reason: string;
  remedy: string;
  record: string;
  state: "open" | "replayed";
};
export type ReplayAnswer = { replayed: number; still_rejected: number; left: number };
export type ImportState = "running" | "done" | "failed" | "cancelled";
export type Import = {
  id: string;
  kind: string;
  path: string;
  dry_run: boolean;
  state: ImportState;
  rows: number;
  imported: number;
  duplicates: number;
  rejected: number;
  skipped: number;
  bytes: number;
  bytes_total: number;
  /** Rows per second. */
  rate: number | null;
  eta_s: number | null;
  started_at: string;
  finished_at: string | null;
  error: string | null;
  note: string | null;
};
export type SqlAnswer = {
  columns: { name: string; type: string }[];
  rows: Scalar[][];
  truncated: boolean;
  elapsed_ms: number;
};
export type Computing = { done: number; total: number; up_to: number; newest: number };

export type ProgramInfo = {
  program: string | null;
  title: string | null;
  time_zone: string | null;
  currency: string | null;
  version: number | null;
  applied_at: string | null;
  applied_by: string | null;
};
export type ProgramVersion = {
  version: number;
  hash: string;
  applied_at: string;
  applied_by: string;
  note: string | null;
};
export type Placed = {
  severity: "error" | "warning";
  file: string;
  line: number;
  column: number;
  path: string;
  name: string;
  problem: string;
  nearest: string | null;
  remedy: string;
};
export type CheckAnswer = { ok: boolean; problems: Placed[]; hash: string };
export type Change = {
  kind: "added" | "removed" | "changed";
  what: string;
  id: string;
  fields: { field: string; old: unknown; new: unknown }[];
};
export type PlanAnswer = { changes: Change[]; segments: PreviewAnswer | null; warnings: Placed[]; hash: string };
