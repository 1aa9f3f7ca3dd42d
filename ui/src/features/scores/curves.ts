/** What can be taken hold of on a curve, and the curve that comes of moving it. Pure. */
import type { CurveForm, Linear, Model } from "./models";

/** A place of a curve: a knot moves both ways, a cut along the values, a level along the points. */
export type Handle = { kind: "knot" | "cut" | "level"; at: number; value: number; points: number };

/** The handles of a curve between two values. */
export function handles(curve: CurveForm, low: number, high: number): Handle[] {
  if ("linear" in curve) return curve.linear.knots.map(([value, points], at) => ({ kind: "knot", at, value, points }));
  const { cuts, points } = curve.steps;
  const edges = [Math.min(low, cuts[0] ?? low), ...cuts, Math.max(high, cuts.at(-1) ?? high)];
  return [
    ...points.map((p, at) => ({
      kind: "level" as const,
      at,
      value: ((edges[at] ?? low) + (edges[at + 1] ?? high)) / 2,
      points: p,
    })),
    ...cuts.map((value, at) => ({
      kind: "cut" as const,
      at,
      value,
      points: ((points[at] ?? 0) + (points[at + 1] ?? 0)) / 2,
    })),
  ];
}

const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);

/** Points between those of the neighbours, where the curve says that it only rises or falls. */
function between(points: number, before: number | undefined, after: number | undefined, direction?: string): number {
  const whole = clamp(Math.round(points), 0, 100);
  if (direction !== "rising" && direction !== "falling") return whole;
  const [lower, upper] = direction === "rising" ? [before, after] : [after, before];
  return clamp(whole, lower ?? 0, upper ?? 100);
}

/** The step in which values move on a drawing this wide: a hundredth of it, as a round number. */
export function stepOf(from: number, to: number): number {
  const width = Math.abs(to - from) / 100;
  if (!(width > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(width));
  const step = [1, 2, 5, 10].find((n) => n * ten >= width * 0.999) ?? 10;
  return Number((step * ten).toPrecision(1));
}

const rounded = (value: number, step: number) => Number((Math.round(value / step) * step).toFixed(10));

/** The curve after a handle was moved; what lies in its way stops it. */
export function moved(curve: CurveForm, handle: Handle, value: number, points: number, step: number): CurveForm {
  const stopped = (values: (number | undefined)[]) => {
    const [before, after] = values;
    return clamp(rounded(value, step), (before ?? -Infinity) + step, (after ?? Infinity) - step);
  };
  const { at } = handle;
  if ("linear" in curve) {
    const { knots, direction } = curve.linear;
    const next: [number, number] = [
      stopped([knots[at - 1]?.[0], knots[at + 1]?.[0]]),
      between(points, knots[at - 1]?.[1], knots[at + 1]?.[1], direction),
    ];
    return { linear: { ...curve.linear, knots: knots.map((k, i) => (i === at ? next : k)) } };
  }
  const { steps } = curve;
  if (handle.kind === "cut") {
    const next = stopped([steps.cuts[at - 1], steps.cuts[at + 1]]);
    return { steps: { ...steps, cuts: steps.cuts.map((c, i) => (i === at ? next : c)) } };
  }
  const next = between(points, steps.points[at - 1], steps.points[at + 1], steps.direction);
  return { steps: { ...steps, points: steps.points.map((p, i) => (i === at ? next : p)) } };
}

/** A curve to begin with: a tenth of the accounts at one end, a tenth at the other, by what is better. */
export function firstCurve(quantiles: number[], better: string | undefined): CurveForm {
  const at = (i: number) => quantiles[i] ?? i / 20;
  const values = [...new Set([at(2), at(10), at(18)])].sort((a, b) => a - b);
  const known = values.length > 1 ? values : [values[0] ?? 0, (values[0] ?? 0) + 1];
  const falling = better === "down";
  const knots = known.map((value, i): [number, number] => {
    const points = Math.round((i / (known.length - 1)) * 100);
    return [Number(value.toPrecision(6)), falling ? 100 - points : points];
  });
  return { linear: { knots, direction: falling ? "falling" : "rising" } };
}

/** The model with a measure more in a group. */
export const withAdded = (model: Model, group: number, metric: string, curve: CurveForm): Model => ({
  ...model,
  groups: model.groups.map((g, i) => {
    if (i !== group) return g;
    const weights = g.measures.map((m) => m.weight);
    const usual = weights.length > 0 ? weights.reduce((a, b) => a + b, 0) / weights.length : 1;
    return { ...g, measures: [...g.measures, { metric, weight: Number(usual.toFixed(2)), curve }] };
  }),
});

/** The model without a measure; a group without measures goes with its last one. */
export const withoutMeasure = (model: Model, group: number, measure: number): Model => ({
  ...model,
  groups: model.groups
    .map((g, i) => (i === group ? { ...g, measures: g.measures.filter((_, j) => j !== measure) } : g))
    .filter((g) => g.measures.length > 0),
});

/** A linear curve with a knot more, in the middle of its widest stretch. */
export function withKnot(curve: Linear): Linear {
  const { knots } = curve.linear;
  let widest = 0;
  const gap = (i: number) => (knots[i + 1]?.[0] ?? 0) - (knots[i]?.[0] ?? 0);
  for (let i = 1; i < knots.length - 1; i += 1) if (gap(i) > gap(widest)) widest = i;
  const [a, b] = [knots[widest], knots[widest + 1]];
  if (!a || !b) return { linear: { ...curve.linear, knots: [...knots, [(a?.[0] ?? 0) + 1, a?.[1] ?? 50]] } };
  const middle: [number, number] = [Number(((a[0] + b[0]) / 2).toPrecision(6)), Math.round((a[1] + b[1]) / 2)];
  return { linear: { ...curve.linear, knots: [...knots.slice(0, widest + 1), middle, ...knots.slice(widest + 1)] } };
}
