import type { Metric } from "@/api/types";

const GROUPS: [string, RegExp][] = [
  ["Product use", /login|feature|course|active|session|usage|page|seat/],
  ["Content and communication", /content|email|mail|webinar|touch|in_app|engag/],
  ["Meetings", /meeting|call|qbr|sponsor/],
  ["Support", /ticket|resolution|escalat|support/],
  ["Satisfaction", /nps|csat|ces|survey|score|comment/],
  ["Onboarding", /onboard|first_value|ttfv/],
  ["Revenue", /mrr|arr|upsell|cross|payment|renew|opportunit|pipeline|churn|revenue|invoice/],
];

/** Gathers metrics by what their ids speak of, keeping the program's order within a group. Pure. */
export function groupMetrics(metrics: Metric[]): { title: string; metrics: Metric[] }[] {
  const found = new Map<string, Metric[]>();
  for (const m of metrics) {
    const title = GROUPS.find(([, pattern]) => pattern.test(m.id))?.[0] ?? "Other";
    found.set(title, [...(found.get(title) ?? []), m]);
  }
  return [...GROUPS.map(([title]) => title), "Other"].flatMap((title) => {
    const list = found.get(title);
    return list ? [{ title, metrics: list }] : [];
  });
}
