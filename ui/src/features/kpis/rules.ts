import type { Kpi, Status, TrendPoint } from "@/api/types";
import { isRunning } from "@/shared/days";

/** One KPI with everything that a row of the Overview shows. Pure. */
export type Line = {
  kpi: string;
  label: string;
  unit: string;
  better: string;
  description: string;
  waitsFor: string | null;
  /** The rows for the whole base: one per target, at least one. */
  all: Kpi[];
  /** The rows of each segment: one per target. */
  scopes: { scope: string; rows: Kpi[] }[];
  conflict: boolean;
  statuses: Set<Status>;
};
export type Group = { title: string; lines: Line[] };

const GROUPS: [string, string[]][] = [
  ["Engagement", ["engagement_rate", "engagement_frequency", "content_consumption", "proactive_saves"]],
  [
    "Retention and revenue",
    [
      "logo_churn_12m",
      "logo_churn_month",
      "revenue_churn_12m",
      "grr_12m",
      "nrr_12m",
      "retention_month",
      "retention_quarter",
      "retention_year",
      "churn_reasons",
      "arr",
    ],
  ],
  ["Onboarding", ["onboarding_completion", "time_to_first_value"]],
  ["Satisfaction", ["nps", "csat", "ces", "survey_response_rate", "survey_coverage"]],
  ["Support", ["ticket_resolution_time"]],
  ["Growth", ["upsell_rate_12m", "pipeline_value", "conversion_rate", "referenceable_customers"]],
  [
    "Data and team",
    [
      "data_points",
      "field_completeness",
      "average_health",
      "health_accuracy",
      "velocity_average",
      "adherence",
      "training_completion",
      "growth_area_coverage",
      "recognition",
      "tools_live",
    ],
  ],
];
const SEGMENT_ORDER = ["strategic", "core", "digital"];

/** Sorts segments as the program speaks of them: the known three first, others by name. */
export function segmentOrder(a: string, b: string): number {
  const rank = (s: string) => SEGMENT_ORDER.indexOf(s) + 1 || 99;
  return rank(a) - rank(b) || a.localeCompare(b);
}

/** Whether a scope is one segment (and not the whole base or the accounts without one). */
export const isSegment = (scope: string): boolean => scope !== "all" && scope !== "unclassified";

/** Gathers the rows of the API (one per KPI × scope × target) into one line per KPI, in groups. */
export function groupKpis(rows: Kpi[]): { groups: Group[]; segments: string[] } {
  const lines = new Map<string, Line>();
  const segments = new Set<string>();
  for (const row of rows) {
    let line = lines.get(row.kpi);
    if (!line) {
      line = {
        kpi: row.kpi,
        label: row.label,
        unit: row.unit,
        better: row.better,
        description: row.description,
        waitsFor: row.waits_for,
        all: [],
        scopes: [],
        conflict: false,
        statuses: new Set(),
      };
      lines.set(row.kpi, line);
    }
    if (row.conflict) line.conflict = true;
    if (row.status) line.statuses.add(row.status);
    else if (row.value === null) line.statuses.add("no_data");
    if (row.scope === "all") line.all.push(row);
    else if (isSegment(row.scope)) {
      segments.add(row.scope);
      const scope = line.scopes.find((s) => s.scope === row.scope);
      if (scope) scope.rows.push(row);
      else line.scopes.push({ scope: row.scope, rows: [row] });
    }
  }
  const order = [...segments].sort(segmentOrder);
  for (const line of lines.values()) line.scopes.sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope));

  const left = new Map(lines);
  const named = new Map(rows.map((r) => [r.kpi, r.group]));
  const groups: Group[] = [];
  const into = (title: string, line: Line) => {
    left.delete(line.kpi);
    const group = groups.find((g) => g.title === title);
    if (group) group.lines.push(line);
    else groups.push({ title, lines: [line] });
  };
  // The program's own headings come first; a program without headings gets the usual ones.
  for (const line of [...left.values()]) {
    const title = named.get(line.kpi);
    if (title) into(title, line);
  }
  for (const [title, ids] of GROUPS) {
    for (const id of ids) {
      const line = left.get(id);
      if (line) into(title, line);
    }
  }
  for (const line of [...left.values()]) into("Other figures", line);
  return { groups, segments: order };
}

/** How many targets stand at each status. */
export function countStatuses(rows: Kpi[]): Record<Status, number> {
  const counts: Record<Status, number> = { met: 0, on_track: 0, at_risk: 0, behind: 0, no_data: 0 };
  for (const row of rows) if (row.target_id && row.status) counts[row.status] += 1;
  return counts;
}

/** The latest moment at which any of the rows was computed. */
export function newest(rows: Kpi[]): string | null {
  let best: string | null = null;
  for (const r of rows) if (r.computed_at && (best === null || r.computed_at > best)) best = r.computed_at;
  return best;
}

/** The last two whole periods of a trend and the month that the later one ends with; a running month is left aside. */
export function wholePeriods(
  main: Kpi | undefined,
  points: TrendPoint[],
): { now: TrendPoint; before: TrendPoint } | null {
  const whole = main && isRunning(main.first_day, main.period) ? points.slice(0, -1) : points;
  const [before, now] = whole.slice(-2);
  return now && before ? { now, before } : null;
}

/** What the straight line from baseline to goal asks for on a day; null before the baseline and without one. */
export function lineOn(row: Kpi | undefined, day: string): number | null {
  if (!row || row.baseline === null || row.target === null || !row.baseline_on || !row.deadline) return null;
  const [from, to, at] = [row.baseline_on, row.deadline, day].map((d) => Date.parse(`${d}T00:00:00Z`)) as [
    number,
    number,
    number,
  ];
  if (at < from || to <= from) return null;
  return row.baseline + (row.target - row.baseline) * Math.min(1, (at - from) / (to - from));
}
