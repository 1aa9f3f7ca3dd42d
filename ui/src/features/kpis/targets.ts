import type { Target, TargetDetail } from "@/api/types";

/** Gathers targets that contradict each other into groups; each target stands in one group only. Pure. */
export function conflictsOf(targets: Target[]): Target[][] {
  const byId = new Map(targets.map((t) => [t.id, t]));
  const seen = new Set<string>();
  const groups: Target[][] = [];
  for (const t of targets) {
    if (seen.has(t.id) || t.conflicts_with.length === 0) continue;
    const group: Target[] = [];
    const queue = [t.id];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const found = byId.get(id);
      if (!found || seen.has(id)) continue;
      seen.add(id);
      group.push(found);
      queue.push(...found.conflicts_with);
    }
    if (group.length > 1) groups.push(group.sort((a, b) => targets.indexOf(a) - targets.indexOf(b)));
  }
  return groups;
}

/** The months behind and ahead of a target as columns of one chart. Pure. */
export type Fan = {
  periods: string[];
  values: (number | null)[];
  target: (number | null)[];
  trend: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
  halfLow: (number | null)[];
  halfHigh: (number | null)[];
};

/** Lays a target's history and forecast out; the fan opens from the last known value. */
export function fan(data: Pick<TargetDetail, "history" | "fan">): Fan {
  const last = [...data.history].reverse().find((p) => p.value !== null);
  const from = data.fan.length > 0 && last && last === data.history[data.history.length - 1] ? last.value : null;
  const behind = <T>(pick: (p: TargetDetail["history"][number]) => T) => data.history.map(pick);
  const ahead = <T>(pick: (p: TargetDetail["fan"][number]) => T) => data.fan.map(pick);
  // What lies ahead starts at the newest value, so that the fan hangs on the line.
  const start = behind((p) => (p === last ? from : null));
  const end = (pair: number[], at: number) => pair[at] ?? null;
  return {
    periods: [...behind((p) => p.period), ...ahead((p) => p.period)],
    values: [...behind((p) => p.value), ...ahead(() => null)],
    target: [...behind((p) => p.expected), ...ahead((p) => p.expected)],
    trend: [...start, ...ahead((p) => p.value)],
    low: [...start, ...ahead((p) => end(p.interval, 0))],
    high: [...start, ...ahead((p) => end(p.interval, 1))],
    halfLow: [...start, ...ahead((p) => end(p.half, 0))],
    halfHigh: [...start, ...ahead((p) => end(p.half, 1))],
  };
}

/** The targets that the address asks for. */
export function matching<T extends Pick<Target, "label" | "kpi_label" | "status" | "scope" | "source">>(
  targets: T[],
  asked: { q?: string; status?: string; scope?: string; source?: string },
): T[] {
  const q = asked.q?.trim().toLowerCase();
  return targets.filter(
    (t) =>
      (!asked.status || t.status === asked.status) &&
      (!asked.scope || t.scope === asked.scope) &&
      (!asked.source || t.source === asked.source) &&
      (!q || `${t.label} ${t.kpi_label} ${t.source}`.toLowerCase().includes(q)),
  );
}
