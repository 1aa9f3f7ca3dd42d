import type { Subscription } from "@/api/types";

export type Step = { day: string; mrr: number };

/**
 * The account's MRR over time: the sum of its subscriptions on each day on which one of them began,
 * changed or ended. A subscription counts from its first day up to, but not on, its last. Pure.
 */
export function mrrSteps(subscriptions: Subscription[]): Step[] {
  const days = new Set<string>();
  for (const s of subscriptions) {
    days.add(s.from_day);
    if (s.to_day) days.add(s.to_day);
  }
  return [...days].sort().map((day) => ({
    day,
    mrr: subscriptions.reduce((sum, s) => (s.from_day <= day && (s.to_day === null || day < s.to_day) ? sum + (s.mrr ?? 0) : sum), 0),
  }));
}
