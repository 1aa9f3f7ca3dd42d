import { useQuery } from "@tanstack/react-query";
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { number } from "@/shared/format";
import { CurveNumbers } from "./CurveNumbers";
import { handles, moved, stepOf, type Handle } from "./curves";
import { corners, type CurveForm, type Measure } from "./models";
import { spreadQuery } from "./queries";
import css from "./scores.module.css";

const WIDTH = 360;
const HEIGHT = 130;
const PAD = 8;

/** A measure's curve over the real values of today's accounts: its places are dragged, moved by keys, or written as numbers. */
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
  const drawing = useRef<SVGSVGElement>(null);
  // While something is dragged the axis stays as it was, or it would run away under the pointer.
  const [axis, setAxis] = useState<[number, number] | null>(null);
  const spread = useQuery(spreadQuery(score, measure.metric, model)).data;
  const values = spread?.quantiles ?? [];
  // The outermost twentieths would squeeze everything else together.
  const low = values[1] ?? 0;
  const high = values[19] ?? 1;
  const own = corners(measure.curve, low, high).map(([x]) => x);
  const [from, to] = axis ?? [Math.min(low, ...own), Math.max(high, ...own)];
  const line = corners(measure.curve, from, to);
  const step = stepOf(from, to);
  const x = (v: number) => ((v - from) / (to - from || 1)) * WIDTH;
  const y = (points: number) => HEIGHT - (points / 100) * HEIGHT;

  const drag = (handle: Handle) => (e: PointerEvent<SVGElement>) => {
    if (!e.currentTarget.hasPointerCapture(e.pointerId)) return;
    const box = drawing.current?.getBoundingClientRect();
    if (!box) return;
    const scale = (WIDTH + 2 * PAD) / box.width;
    const right = (e.clientX - box.left) * scale - PAD;
    const up = HEIGHT + PAD - (e.clientY - box.top) * scale;
    put(moved(measure.curve, handle, from + (right / WIDTH) * (to - from), (up / HEIGHT) * 100, step));
  };
  const keys = (handle: Handle) => (e: KeyboardEvent<SVGElement>) => {
    const far = e.shiftKey ? 10 : 1;
    const by: Record<string, [number, number]> = {
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
    };
    const way = by[e.key];
    if (!way) return;
    e.preventDefault();
    const [dx, dy] = [way[0] * far * step, way[1] * far];
    put(moved(measure.curve, handle, handle.value + dx, handle.points + dy, step));
  };
  const release = () => setAxis(null);
  return (
    <div className={css.curve}>
      <svg
        ref={drawing}
        className={css.drawing}
        viewBox={`${-PAD} ${-PAD} ${WIDTH + 2 * PAD} ${HEIGHT + 2 * PAD}`}
        role="group"
        aria-label={`Points by ${measure.metric}, over the values of ${spread ? number(spread.known, 0) : "all"} accounts`}
      >
        <Spread values={values} x={x} />
        <line x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} stroke="var(--line-2)" />
        <polyline
          points={line.map(([v, p]) => `${x(v)},${y(p)}`).join(" ")}
          fill="none"
          stroke="var(--brand)"
          strokeWidth={2}
        />
        {handles(measure.curve, from, to).map((handle) => (
          <circle
            key={handle.kind + handle.at}
            className={css.handle}
            cx={x(handle.value)}
            cy={y(handle.points)}
            r={handle.kind === "cut" ? 5 : 6}
            tabIndex={0}
            role="slider"
            aria-label={`${NAME[handle.kind]} ${handle.at + 1} of ${measure.metric}`}
            aria-valuemin={handle.kind === "cut" ? from : 0}
            aria-valuemax={handle.kind === "cut" ? to : 100}
            aria-valuenow={handle.kind === "cut" ? handle.value : handle.points}
            aria-valuetext={`${number(handle.value, 2)} gives ${number(handle.points, 0)} points`}
            onKeyDown={keys(handle)}
            onPointerDown={(e) => {
              setAxis([from, to]);
              e.currentTarget.setPointerCapture(e.pointerId);
            }}
            onPointerMove={drag(handle)}
            onPointerUp={release}
            onPointerCancel={release}
          />
        ))}
      </svg>
      {spread ? (
        <p className="dim small">
          {values.length > 0
            ? `Half of the accounts have ${number(values[5] ?? null, 2)} to ${number(values[15] ?? null, 2)}. `
            : ""}
          {number(spread.missing, 0)} have no value. Drag a place, or move it with the arrow keys.
        </p>
      ) : null}
      <CurveNumbers measure={measure} put={put} />
    </div>
  );
}

const NAME = { knot: "Knot", cut: "Cut", level: "Level" } as const;

/** How the accounts are spread: between two marks lies a twentieth of them, so where they lie close the bar is high. */
function Spread({ values, x }: { values: number[]; x: (v: number) => number }) {
  const parts = values.slice(1).map((to, i) => ({ left: x(values[i] ?? to), right: x(to) }));
  const thinnest = 3;
  const heights = parts.map((p) => 1 / Math.max(p.right - p.left, thinnest));
  const most = Math.max(...heights, 1e-9);
  return (
    <g aria-hidden="true">
      {parts.map((p, i) => {
        if (p.right < 0 || p.left > WIDTH) return null;
        const left = Math.max(p.left, 0);
        const height = ((heights[i] ?? 0) / most) * HEIGHT * 0.8;
        return (
          <rect
            key={i}
            x={left}
            width={Math.max(Math.min(p.right, WIDTH) - left, thinnest)}
            y={HEIGHT - height}
            height={height}
            fill="var(--line)"
          />
        );
      })}
    </g>
  );
}
