import type { Target } from "@/api/types";

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
