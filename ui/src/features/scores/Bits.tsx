import { number } from "@/shared/format";
import type { Velocity } from "./queries";
import { BAND_COLOR, BAND_LABEL, bandOf, signed, way } from "./rules";
import css from "./scores.module.css";

/** A score with the colour and the name of its band. */
export function Points({ points, band }: { points: number | null; band: string | null }) {
  const name = bandOf(band);
  if (points === null) return <span className="dim">–</span>;
  return (
    <span className={css.points} style={{ color: BAND_COLOR[name].solid, background: BAND_COLOR[name].soft }}>
      {number(points, 1)}
      <span className="sr">, {BAND_LABEL[name]}</span>
    </span>
  );
}

/** How much a score changed since the day that it is compared with. */
export function Delta({ now, before }: { now: number | null; before: number | null }) {
  if (now === null || before === null) return <span className="dim">–</span>;
  return <span className="nowrap">{signed(now - before)}</span>;
}

/** Which way an account moves; the words behind it say against what. */
export function Way({ velocity }: { velocity: Velocity | null }) {
  const { mark, label, told } = way(velocity);
  return (
    <span className="nowrap" title={told}>
      <span aria-hidden="true">{mark}</span> {label}
      <span className="sr">. {told}</span>
    </span>
  );
}
