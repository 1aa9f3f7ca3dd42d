import { day, dayOfMonth, instant, isRunning } from "@/shared/days";
import { change, figure, sides } from "@/shared/format";
import { Spark } from "@/shared/ui/Spark";
import { StatusBadge } from "@/shared/ui/Status";
import css from "./dashboards.module.css";
import type { TileProps } from "./TileCard";

/** One figure: value, what it is made of, how it changed, its trend and its targets. */
export function FigureTile({ tile, page, open }: TileProps) {
  const f = tile.figure;
  if (!f) return null;
  const unit = tile.unit ?? "number";
  const show = (value: number | null) => figure(value, unit, page.currency);
  const delta = f.before ? change(f.value, f.before.value, unit, tile.better ?? "up") : null;
  const parts = sides(f.numerator, f.denominator, unit);
  const first = f.trend.find((t) => t.value !== null);
  return (
    <div className={css.figureBody}>
      <div className={css.figureTop}>
        <div>
          {tile.kpi ? (
            <button
              type="button"
              className={css.big}
              data-row
              aria-label={`${tile.title}: ${show(f.value)}. Open the accounts behind it`}
              onClick={() => open({ tile: tile.id })}
            >
              {show(f.value)}
            </button>
          ) : (
            <span className={css.big}>{show(f.value)}</span>
          )}
          {parts ? <div className="dim small">{parts}</div> : null}
        </div>
        {f.trend.length > 1 ? (
          <Spark
            values={f.trend.map((t) => t.value)}
            targets={f.trend.map((t) => t.target)}
            width={86}
            label={
              first
                ? `${tile.title}: ${show(first.value)} in ${day(first.period, "month")}, ${show(f.value)} now`
                : `${tile.title}: no history`
            }
          />
        ) : null}
      </div>
      <div className={css.figureFacts}>
        {delta ? (
          <span className={delta.good === null ? "dim" : delta.good ? css.good : css.bad}>
            {delta.text}
            <span className="sr">{delta.good === null ? ", unchanged" : delta.good ? ", better" : ", worse"}</span>
          </span>
        ) : null}
        {f.before ? (
          <span className="dim" title={`${day(f.before.first_day)} to ${day(f.before.last_day)}`}>
            {delta ? "against" : "before:"} {show(f.before.value)}
          </span>
        ) : null}
        {f.interval ? (
          <span className="dim" title="95 % interval">
            {show(f.interval[0] ?? null)} to {show(f.interval[1] ?? null)}
          </span>
        ) : null}
        {f.median !== null ? <span className="dim">median {show(f.median)}</span> : null}
      </div>
      {f.targets.map((t) => (
        <div key={t.target_id} className={css.target} title={`${t.source}, by ${day(t.deadline)}`}>
          <StatusBadge status={t.status} />
          <span className="dim small">
            goal {t.target === null ? "waits for its baseline" : show(t.target)} by {day(t.deadline, "month")}
          </span>
        </div>
      ))}
      <div
        className={`dim small ${css.when}`}
        title={tile.computed_at ? `computed ${instant(tile.computed_at)}` : undefined}
      >
        {f.first_day === f.last_day
          ? `on ${day(f.last_day)}`
          : isRunning(f.first_day, f.last_day)
            ? `${dayOfMonth(f.first_day)} to ${day(f.last_day)}, running`
            : `${day(f.first_day)} to ${day(f.last_day)}`}
      </div>
    </div>
  );
}
