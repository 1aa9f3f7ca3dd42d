import { Button, CloseButton, NumberInput } from "@mantine/core";
import { number } from "@/shared/format";
import { withKnot } from "./curves";
import type { CurveForm, Measure } from "./models";
import css from "./scores.module.css";

/** The numbers of a curve, for whoever would rather write than drag. */
export function CurveNumbers({ measure, put }: { measure: Measure; put: (curve: CurveForm) => void }) {
  const { curve, metric } = measure;
  const field = (label: string, value: number, change: (v: number) => void) => (
    <NumberInput key={label} size="xs" w={110} label={label} value={value} onChange={(v) => change(Number(v))} />
  );
  if ("linear" in curve) {
    const { knots } = curve.linear;
    const set = (at: number, knot: [number, number]) =>
      put({ linear: { ...curve.linear, knots: knots.map((k, i) => (i === at ? knot : k)) } });
    return (
      <div className={css.numbers} role="group" aria-label={`Knots of ${metric}`}>
        {knots.map(([value, points], i) => (
          <div key={i} className={css.knot}>
            {field(`Value ${i + 1}`, value, (v) => set(i, [v, points]))}
            {field(`Points ${i + 1}`, points, (p) => set(i, [value, p]))}
            {knots.length > 2 ? (
              <CloseButton
                size="sm"
                className={css.drop}
                aria-label={`Remove knot ${i + 1} of ${metric}`}
                onClick={() => put({ linear: { ...curve.linear, knots: knots.filter((_, j) => j !== i) } })}
              />
            ) : null}
          </div>
        ))}
        <Button size="xs" variant="default" className={css.drop} onClick={() => put(withKnot(curve))}>
          Add a knot
        </Button>
      </div>
    );
  }
  const { cuts, points } = curve.steps;
  return (
    <div className={css.numbers} role="group" aria-label={`Steps of ${metric}`}>
      {points.map((p, i) => (
        <div key={i} className={css.knot}>
          {field(i === 0 ? "Points below" : `Points from ${number(cuts[i - 1] ?? 0, 2)}`, p, (v) =>
            put({ steps: { ...curve.steps, points: points.map((q, j) => (j === i ? v : q)) } }),
          )}
          {i < cuts.length
            ? field(`Cut ${i + 1}`, cuts[i] ?? 0, (v) =>
                put({ steps: { ...curve.steps, cuts: cuts.map((c, j) => (j === i ? v : c)) } }),
              )
            : null}
        </div>
      ))}
    </div>
  );
}
