import type { MrrSpan } from "@/api/types";

/** The account's MRR as points of a step line, carried on to the day shown. Unknown MRR is a gap, none while inactive is 0. Pure. */
export function mrrSteps(spans: MrrSpan[], until: string): [string, number | null][] {
  const points = spans.map((s): [string, number | null] => [s.from, s.active ? s.mrr : 0]);
  const last = points.at(-1);
  if (last && last[0] < until) points.push([until, last[1]]);
  return points;
}
