import type { TargetDetail, TargetOutlook } from "@/api/types";
import { day } from "@/shared/days";
import { figure, percent } from "@/shared/format";
import { STATUS } from "@/shared/ui/Status";
import ui from "@/shared/ui/ui.module.css";
import css from "./kpis.module.css";

/** How sure it is that a goal is met: never said to be surer than one in a hundred. */
export function chance(probability: number): string {
  if (probability > 0.99) return "over 99%";
  if (probability < 0.01) return "under 1%";
  return percent(probability, 0);
}

/** Where a figure leads, in a line: the value expected at the deadline, its interval, and the chance to meet the goal. */
export function Outlook({
  of,
  unit,
  currency,
}: {
  of: Pick<TargetOutlook, "forecast" | "why"> | undefined;
  unit: string;
  currency: string | null;
}) {
  if (!of) return <span className="dim">–</span>;
  if (!of.forecast) return <span className="dim small">{of.why}</span>;
  const show = (v: number) => figure(v, unit, currency);
  const { value, interval, probability } = of.forecast;
  return (
    <span
      title={`The trend of ${of.forecast.months} months leads to ${show(value)}; nine of ten outcomes lie between ${show(interval[0] ?? value)} and ${show(interval[1] ?? value)}.`}
    >
      <span className="nowrap">
        <strong>{chance(probability)}</strong> to meet
      </span>{" "}
      <span className="dim small nowrap">
        {show(interval[0] ?? value)} to {show(interval[1] ?? value)}
      </span>
    </span>
  );
}

/** The status of each month as a row of small blocks, oldest first; the words stand in the title and for screen readers. */
export function StatusStrip({ points }: { points: TargetDetail["history"] }) {
  const known = points.filter((p) => p.status !== null);
  if (known.length === 0) return <span className="dim small">no month yet</span>;
  const text = known.map((p) => `${day(p.period, "month")} ${STATUS[p.status ?? "no_data"].label.toLowerCase()}`);
  return (
    <span className={css.strip} role="img" aria-label={text.join(", ")}>
      {known.map((p, i) => (
        <span key={p.period} className={`${css.block} ${ui[p.status ?? "no_data"]}`} title={text[i]} />
      ))}
    </span>
  );
}
