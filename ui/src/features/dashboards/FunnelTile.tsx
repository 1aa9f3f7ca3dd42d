import { number, percent } from "@/shared/format";
import css from "./dashboards.module.css";
import type { TileProps } from "./TileCard";

/** How many accounts come how far; each step opens the accounts that are in it. */
export function FunnelTile({ tile, open }: TileProps) {
  const series = tile.series[0];
  if (!series) return null;
  const first = series.values[0] ?? 0;
  return (
    <ol className={css.funnel}>
      {tile.axis.map((step, at) => {
        const value = series.values[at] ?? 0;
        const share = first > 0 ? value / first : 0;
        const before = at === 0 ? null : (series.values[at - 1] ?? 0);
        return (
          <li key={step.key}>
            <button type="button" data-row onClick={() => open({ tile: tile.id, series: series.key, at: step.key })}>
              <span className={css.step}>
                <span>{step.label}</span>
                <span>
                  <strong>{number(value, 0)}</strong> <span className="dim">{percent(share, 0)}</span>
                </span>
              </span>
              <span className={css.way} aria-hidden="true">
                <span style={{ width: `${share * 100}%` }} />
              </span>
              {before !== null && before > 0 ? (
                <span className="dim small">{percent(value / before, 0)} of the step before</span>
              ) : null}
            </button>
          </li>
        );
      })}
    </ol>
  );
}
