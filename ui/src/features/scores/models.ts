/** A score as `scores.yaml` has it, and small changes of it. Pure. */

export type Linear = { linear: { knots: [number, number][]; direction?: string } };
export type Steps = { steps: { cuts: number[]; points: number[]; direction?: string } };
export type CurveForm = Linear | Steps;
export type Measure = { metric: string; weight: number; curve: CurveForm; stale_after?: string };
export type Group = { id: string; label?: string; weight: number; measures: Measure[] };
export type Model = { id: string; label?: string; segments?: string[]; groups: Group[] };
export type Definition = { id: string; label?: string; frozen?: boolean; models: Model[] };

/** The percentage of the score that each group decides while everything is known. */
export function shares(model: Model): number[] {
  const all = model.groups.reduce((sum, g) => sum + g.weight, 0);
  return model.groups.map((g) => (all > 0 ? (g.weight / all) * 100 : 0));
}

export const withWeight = (model: Model, group: number, weight: number): Model => ({
  ...model,
  groups: model.groups.map((g, i) => (i === group ? { ...g, weight } : g)),
});

export const withMeasure = (model: Model, group: number, measure: number, next: Measure): Model => ({
  ...model,
  groups: model.groups.map((g, i) =>
    i === group ? { ...g, measures: g.measures.map((m, j) => (j === measure ? next : m)) } : g,
  ),
});

/** The corners of a curve between two values, for drawing: steps have two at every cut. */
export function corners(curve: CurveForm, low: number, high: number): [number, number][] {
  if ("linear" in curve) {
    const knots = curve.linear.knots;
    const first = knots[0];
    const last = knots.at(-1);
    if (!first || !last) return [];
    return [[Math.min(low, first[0]), first[1]], ...knots, [Math.max(high, last[0]), last[1]]];
  }
  const { cuts, points } = curve.steps;
  const found: [number, number][] = [[Math.min(low, cuts[0] ?? low), points[0] ?? 0]];
  cuts.forEach((cut, i) => {
    found.push([cut, points[i] ?? 0], [cut, points[i + 1] ?? 0]);
  });
  found.push([Math.max(high, cuts.at(-1) ?? high), points.at(-1) ?? 0]);
  return found;
}
