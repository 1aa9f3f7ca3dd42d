import { NumberInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { number } from "@/shared/format";
import { corners, type CurveForm, type Measure } from "./models";
import { spreadQuery } from "./queries";
import css from "./scores.module.css";

const WIDTH = 360;
const HEIGHT = 120;

/** A measure's curve over the real values of today's accounts: drawn, and changed by its numbers. */
export function Curve({
  score,
  model,
  measure,
  put,
}: {
  score: string;
  model: string;
  measure: Measure;
  put: (curve: CurveForm) => void;
}) {
  const spread = useQuery(spreadQuery(score, measure.metric, model)).data;
  const values = spread?.quantiles ?? [];
  // The outermost twentieths would squeeze everything else together.
  const low = values[1] ?? 0;
  const high = values[19] ?? 1;
  const line = corners(measure.curve, low, high);
  const xs = line.map(([x]) => x);
  const [from, to] = [Math.min(low, ...xs), Math.max(high, ...xs)];
  const x = (v: number) => ((v - from) / (to - from || 1)) * WIDTH;
  const y = (points: number) => HEIGHT - (points / 100) * HEIGHT;
  return (
    <div className={css.curve}>
      <svg
        width={WIDTH}
        height={HEIGHT + 8}
        viewBox={`-4 -4 ${WIDTH + 8} ${HEIGHT + 12}`}
        role="img"
        aria-label={`Points by ${measure.metric}, over the values of ${spread ? number(spread.known, 0) : "all"} accounts`}
      >
        {values.map((v, i) => (
          <line key={i} x1={x(v)} x2={x(v)} y1={HEIGHT - 10} y2={HEIGHT} stroke="var(--line-2)" />
        ))}
        <polyline
          points={line.map(([v, p]) => `${x(v)},${y(p)}`).join(" ")}
          fill="none"
          stroke="var(--brand)"
          strokeWidth={2}
        />
      </svg>
      {spread ? (
        <p className="dim small">
          {values.length > 0
            ? `Half of the accounts have ${number(values[5] ?? null, 2)} to ${number(values[15] ?? null, 2)}; the ticks are twentieths of them. `
            : ""}
          {number(spread.missing, 0)} have no value.
        </p>
      ) : null}
      <Numbers measure={measure} put={put} />
    </div>
  );
}

function Numbers({ measure, put }: { measure: Measure; put: (curve: CurveForm) => void }) {
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
          </div>
        ))}
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
