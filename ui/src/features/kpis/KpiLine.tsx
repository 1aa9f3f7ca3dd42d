import type { Kpi, TrendPoint } from "@/api/types";
import { day, dayOfMonth, instant, isRunning, monthName } from "@/shared/days";
import { change, figure, sides, words } from "@/shared/format";
import { segmentColor } from "@/shared/ui/Segment";
import { Icon } from "@/shared/ui/Icon";
import { Spark } from "@/shared/ui/Spark";
import { StatusBadge } from "@/shared/ui/Status";
import ui from "@/shared/ui/ui.module.css";
import css from "./kpis.module.css";
import { useCurrency } from "./currency";
import { lineOn, wholePeriods, type Line } from "./rules";

type Props = { line: Line; trend: TrendPoint[]; segments: string[]; open: (line: Line, scope?: string) => void };

/** One KPI of the Overview. */
export function KpiLine({ line, trend, segments, open }: Props) {
  const currency = useCurrency();
  const main = line.all[0];
  const parts = main ? sides(main.numerator, main.denominator, line.unit) : null;
  return (
    <div className={css.line}>
      <div className={css.name}>
        <button type="button" data-row onClick={() => open(line)} title={line.description || undefined}>
          {line.label}
        </button>
        <span className="dim small">{line.better === "up" ? "higher is better" : "lower is better"}</span>
      </div>
      <div
        className={css.value}
        title={
          main ? `${day(main.first_day)} to ${day(main.period)}, computed ${instant(main.computed_at)}` : undefined
        }
      >
        <span className={main?.value === null || !main ? css.absent : css.big}>
          {figure(main?.value, line.unit, currency)}
        </span>
        {main?.value === null || !main ? (
          line.waitsFor ? (
            <span className="dim small">waits for {line.waitsFor}</span>
          ) : null
        ) : (
          <>
            {parts ? <span className="dim small">{parts}</span> : null}
            {isRunning(main.first_day, main.period) ? (
              <span className="dim small">since {dayOfMonth(main.first_day)}</span>
            ) : null}
            {main.interval ? (
              <span className="dim small" title="95 % interval">
                {range(main.interval, line, currency)}
              </span>
            ) : null}
            {main.median !== null ? (
              <span className="dim small">median {figure(main.median, line.unit, currency)}</span>
            ) : null}
          </>
        )}
      </div>
      <div className={css.trend}>
        <Trend line={line} points={trend} />
      </div>
      <div className={css.targets}>
        <Targets rows={line.all} line={line} />
      </div>
      {segments.map((s) => {
        const rows = line.scopes.find((x) => x.scope === s)?.rows ?? [];
        return <SegmentCell key={s} scope={s} rows={rows} line={line} open={open} />;
      })}
    </div>
  );
}

const range = (interval: number[], line: Line, currency: string | null): string =>
  interval.map((v) => figure(v, line.unit, currency)).join(" to ");

function Trend({ line, points }: { line: Line; points: TrendPoint[] }) {
  const currency = useCurrency();
  const values = points.map((p) => p.value);
  const held = line.all.find((r) => r.target_id !== null);
  const main = line.all[0];
  const pair = wholePeriods(main, points);
  const delta = pair ? change(pair.now.value, pair.before.value, line.unit, line.better) : null;
  const running = main !== undefined && isRunning(main.first_day, main.period);
  const first = points.find((p) => p.value !== null);
  const label = first
    ? `${line.label}: ${figure(first.value, line.unit, currency)} in ${day(first.period, "month")}, ${figure(values.at(-1), line.unit, currency)} now`
    : `${line.label}: no history`;
  return (
    <>
      <Spark values={values} targets={points.map((p) => lineOn(held, p.period))} label={label} />
      {delta ? (
        <span
          className={`small nowrap ${delta.good === null ? "dim" : delta.good ? css.good : css.bad}`}
          title={`${day(pair?.now.period, "month")} against ${day(pair?.before.period, "month")}, in ${delta.spoken || "units"}`}
        >
          {delta.text}
          {running ? ` in ${monthName(pair?.now.period)}` : null}
          <span className="sr">{delta.good === null ? ", unchanged" : delta.good ? ", better" : ", worse"}</span>
        </span>
      ) : null}
    </>
  );
}

function Targets({ rows, line }: { rows: Kpi[]; line: Line }) {
  const held = rows.filter((r) => r.target_id !== null);
  if (held.length === 0)
    return (
      <span className="dim small">
        {line.scopes.some((x) => x.rows.some((r) => r.target_id)) ? "by segment" : "no target"}
      </span>
    );
  return (
    <>
      {held.map((r) => (
        <TargetLine key={r.target_id} row={r} line={line} />
      ))}
      {held.some((r) => r.conflict) ? (
        <span className={css.conflict}>
          <Icon name="conflict" size={13} /> {held.length > 1 ? "the sources disagree" : "another source disagrees"}
        </span>
      ) : null}
    </>
  );
}

function TargetLine({ row, line }: { row: Kpi; line: Line }) {
  const currency = useCurrency();
  return (
    <div
      className={css.target}
      title={`${row.source ?? "No source"}. Baseline ${figure(row.baseline, line.unit, currency)}.`}
    >
      <StatusBadge status={row.status ?? "no_data"} />
      {row.source ? <span className={css.source}>{row.source.split(/[,:]/)[0]}</span> : null}
      <span className="small nowrap">
        {row.target === null ? "not frozen yet" : figure(row.target, line.unit, currency)} by{" "}
        {day(row.deadline, "month")}
      </span>
    </div>
  );
}

function SegmentCell({ scope, rows, line, open }: { scope: string; rows: Kpi[]; line: Line; open: Props["open"] }) {
  const currency = useCurrency();
  const first = rows[0];
  const held = rows.filter((r) => r.target_id !== null);
  return (
    <button
      type="button"
      className={css.segment}
      onClick={() => open(line, scope)}
      aria-label={`${line.label}, ${words(scope)}: ${figure(first?.value, line.unit, currency)}`}
    >
      <span className={css.segName}>
        <span className={ui.dot} style={{ background: segmentColor(scope) }} /> {words(scope)}
      </span>
      <span className={first?.value === null || !first ? css.absent : css.mid}>
        {figure(first?.value, line.unit, currency)}
      </span>
      {held.map((r) => (
        <span
          key={r.target_id}
          className={css.target}
          title={`${r.source ?? ""} Baseline ${figure(r.baseline, line.unit, currency)}, by ${day(r.deadline)}`}
        >
          <StatusBadge status={r.status ?? "no_data"} compact />
          <span className="small dim nowrap">
            goal {r.target === null ? "open" : figure(r.target, line.unit, currency)}
          </span>
          {held.length > 1 && r.source ? <span className={css.source}>{r.source.split(/[,:]/)[0]}</span> : null}
        </span>
      ))}
      {held.some((r) => r.conflict) ? (
        <span
          className={css.conflict}
          title="Another source wants something else of this figure; both targets are kept"
        >
          <Icon name="conflict" size={13} /> sources disagree
        </span>
      ) : null}
    </button>
  );
}
