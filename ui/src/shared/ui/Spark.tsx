import { spark } from "../spark";
import css from "./ui.module.css";

type Props = { values: (number | null)[]; targets?: (number | null)[]; label: string; width?: number; height?: number };

/** Thirteen months in the space of a word, with the target as a dashed line. */
export function Spark({ values, targets = [], label, width = 100, height = 22 }: Props) {
  const shape = spark(values, targets, width, height);
  if (shape.lines.length === 0) return <span className="dim small">no history</span>;
  return (
    <svg
      className={css.spark}
      width={width + 6}
      height={height + 6}
      viewBox={`-3 -3 ${width + 6} ${height + 6}`}
      role="img"
      aria-label={label}
    >
      {shape.target ? (
        <path d={shape.target} fill="none" stroke="var(--accent)" strokeWidth={1.5} strokeDasharray="3 3" />
      ) : null}
      {shape.lines.map((d) => (
        <path
          key={d}
          d={d}
          fill="none"
          stroke="var(--brand)"
          strokeWidth={1.6}
          strokeLinejoin="round"
          strokeLinecap="round"
        />
      ))}
      {shape.last ? <circle cx={shape.last[0]} cy={shape.last[1]} r={2.6} fill="var(--brand)" /> : null}
    </svg>
  );
}
