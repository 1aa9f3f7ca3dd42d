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
type Asked<Route extends keyof paths> = paths[Route] extends { get: { parameters: { query?: infer Query } } }
  ? NonNullable<Query>
  : never;

export type Status = From<"Status">;

/** One figure: a KPI in one scope, held against at most one target. */
export type Kpi = From<"KpiFigure">;
export type TrendPoint = From<"Trend">;
export type KpisAnswer = From<"KpiList">;
export type SeriesAnswer = From<"Series">;
export type Side = "numerator" | "denominator" | "rest";
export type Target = From<"TargetLine">;
export type TargetDetail = From<"TargetDetail">;
export type TargetOutlook = From<"TargetOutlook">;
export type TargetForecast = From<"TargetForecast">;

export type DashboardsAnswer = From<"DashboardList">;
export type DashboardLine = From<"DashboardLine">;
export type DashboardPage = From<"DashboardData">;
/** A tile as it is written down; what is left out has its usual value. */
export type TileDefinition = Schemas["TileDefinition"];
export type DashboardDefinition = Omit<From<"DashboardPage">, "tiles"> & { tiles: TileDefinition[] };
export type DashboardConflict = From<"DashboardConflict">;
export type DashboardFilters = Schemas["DashboardFilters"];
export type Sharing = From<"Sharing">;
export type DashboardQuery = Asked<"/api/v1/dashboards/{id}/data">;
export type Tile = From<"TileData">;
export type TileSeries = From<"TileSeries">;
export type TileRow = From<"TileRow">;
export type TileColumn = From<"TileColumn">;

export type AccountRow = From<"AccountItem">;
export type Column = From<"ColumnInfo">;
export type AccountsPage = From<"AccountList">;
export type AccountsQuery = Asked<"/api/v1/accounts">;
export type Metric = From<"MetricValue">;
export type MrrSpan = From<"MrrLine">;
export type Account = From<"AccountPage">;
export type TimelineItem = From<"TimelineItem">;

export type Segment = From<"SegmentLine">;
export type SegmentsAnswer = From<"Segments">;
export type PreviewAnswer = From<"Preview">;

export type Role = From<"Role">;
export type User = From<"User">;
export type Session = From<"SignedIn">;
export type Scope = From<"Scope">;

export type Reject = From<"RejectItem">;
export type Import = From<"ImportItem">;
export type Source = From<"SourceItem">;
export type LiveEvent = From<"LiveEvent">;
export type EventProperty = From<"PropertyProfile">;
export type FieldFill = From<"FieldFill">;
export type Upload = From<"UploadItem">;
export type UploadFile = From<"UploadFile">;
export type UploadFileDetail = From<"FileDetail">;
export type MapLook = From<"MapLook">;
export type ImportColumn = From<"ImportColumn">;
export type RowLook = From<"RowLook">;

export type Placed = From<"Placed">;
/** What differs between two programs; the document leaves it open. */
export type Change = {
  kind: "added" | "removed" | "changed";
  what: string;
  id: string;
  fields: { field: string; old: unknown; new: unknown }[];
};
export type PlanAnswer = Omit<From<"Planned">, "changes"> & { changes: Change[] };

export type Membership = From<"MembershipHistory">;
export type Flow = From<"Flow">;
export type FlowStep = From<"FlowStep">;
export type RuleName = From<"RuleName">;
export type RuleOutcome = From<"RuleOutcome">;
export type WorkingCopy = From<"WorkingCopy">;
export type ProgramDocument = From<"ProgramDocument">;
export type DraftConflict = From<"DraftConflict">;
export type DiffLine = From<"DiffLine">;
/** A form's change of a document; the document leaves the fields open. */
export type Edit = {
  list?: string;
  id?: string;
  set?: Record<string, unknown>;
  remove?: boolean;
  position?: number;
};
export type Trial = Omit<From<"Trial">, "changes"> & { changes: Change[] };
export type TrialKpi = From<"TrialKpi">;
export type VersionDiff = Omit<From<"VersionDiff">, "changes"> & { changes: Change[] };
export type OwnerLine = From<"OwnerLine">;
export type AttentionLine = From<"AttentionLine">;
export type OwnerSettingsAnswer = From<"OwnerSettingsAnswer">;
export type OwnerSettings = From<"OwnerSettings">;
export type Pool = From<"Pool">;
export type AssignmentRule = From<"AssignmentRule">;
export type OwnerPerson = From<"OwnerPerson">;
export type Spread = From<"Spread">;
export type Handover = From<"Handover">;
export type ReassignmentPreview = From<"ReassignmentPreview">;
export type ReassignmentRequest = Schemas["ReassignmentRequest"];
export type Reassignment = From<"Reassignment">;

export type DuplicateKind = From<"DuplicateKind">;
export type DuplicatePair = From<"DuplicatePair">;
export type DuplicateSide = From<"DuplicateSide">;
export type MergeSide = "survivor" | "merged";
export type MergeField = Omit<From<"MergeField">, "survivor" | "merged"> & { survivor: unknown; merged: unknown };
export type MergeComparison = Omit<From<"MergeComparison">, "fields"> & { fields: MergeField[] };
export type AccountMerge = Omit<From<"AccountMerge">, "choices" | "remembered"> & {
  choices: Record<string, MergeSide>;
  remembered: MergeField[];
};
export type ContactMerge = From<"ContactMerge">;
export type SavedView = Omit<From<"SavedView">, "state"> & { state: Record<string, string> };
export type Notification = From<"Notification">;
export type NotificationKind = From<"NotificationKind">;
export type Preferences = From<"Preferences">;

export type Profile = From<"AccountProfile">;
export type Ticket = From<"TicketLine">;
export type Note = From<"Note">;
export type NoteDiffLine = From<"NoteDiffLine">;
export type Mention = From<"Mention">;
export type ContactItem = From<"ContactItem">;
export type ContactFlag = From<"ContactFlag">;
export type ContactPageAnswer = From<"ContactPage">;
