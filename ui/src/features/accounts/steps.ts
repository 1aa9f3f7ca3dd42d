import type { MrrSpan } from "@/api/types";

/** The account's MRR as points of a step line, carried on to the day shown. Unknown MRR is a gap, none while inactive is 0. Pure. */
export function mrrSteps(spans: MrrSpan[], until: string): [string, number | null][] {
  const points = spans.map((s): [string, number | null] => [s.from, s.active ? s.mrr : 0]);
  const last = points.at(-1);
  if (last && last[0] < until) points.push([until, last[1]]);
  return points;
}

/** Whole days from one calendar day to another. Pure. */
export const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);

/** The calendar day so many days after another. Pure. */
export const dayAt = (from: string, days: number): string =>
  new Date(Date.parse(`${from}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
