import css from "./events.module.css";

/** A row of thin bars: how many in each stretch of time. */
export function Bars({ values, label, height = 24 }: { values: number[]; label: string; height?: number }) {
  const most = Math.max(1, ...values);
  const width = Math.max(2, Math.floor(96 / Math.max(1, values.length)));
  return (
    <svg className={css.bars} width={values.length * (width + 1)} height={height} role="img" aria-label={label}>
      {values.map((value, i) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / most) * height);
        return (
          <rect
            key={i}
            x={i * (width + 1)}
            y={height - tall}
            width={width}
            height={tall}
            fill={value === 0 ? "var(--line-2)" : "var(--brand)"}
          />
        );
      })}
    </svg>
  );
}
