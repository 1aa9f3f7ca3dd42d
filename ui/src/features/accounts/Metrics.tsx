import type { Metric, Profile } from "@/api/types";
import { day } from "@/shared/days";
import { NO_DATA, scalar } from "@/shared/format";
import { Spark } from "@/shared/ui/Spark";
import ui from "@/shared/ui/ui.module.css";
import css from "./accounts.module.css";
import { groupMetrics } from "./metricGroups";

/** The account's measures in one table, gathered by what they speak of. */
export function Metrics({
  metrics,
  currency,
  history,
}: {
  metrics: Metric[];
  currency: string | null;
  history: Profile["history"];
}) {
  if (metrics.length === 0) return <p className={css.metricGroup}>The program declares no metric.</p>;
  return (
    <table className={ui.table}>
      <caption className="sr">Metrics</caption>
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col">Window</th>
          <th scope="col">Half a year</th>
          <th scope="col" className={ui.num}>
            Value
          </th>
        </tr>
      </thead>
      {groupMetrics(metrics).map((g) => (
        <tbody key={g.title}>
          <tr className={css.groupRow}>
            <th scope="rowgroup" colSpan={4}>
              {g.title}
            </th>
          </tr>
          {g.metrics.map((m) => (
            <tr key={m.id}>
              <td>
                <details className={css.explained}>
                  <summary title={m.explained}>{m.label}</summary>
                  <div className="small dim">
                    {m.description ? (
                      <>
                        {m.description}
                        <br />
                      </>
                    ) : null}
                    {m.explained}
                    <br />
                    <code>{m.id}</code>
                  </div>
                </details>
              </td>
              <td className="dim">{m.window ?? ""}</td>
              <td className={css.sparkCell}>
                <Spark
                  values={history.metrics[m.id] ?? []}
                  width={88}
                  height={16}
                  label={`${m.label} by week, ${day(history.days[0])} to ${day(history.days.at(-1))}`}
                />
              </td>
              <td className={ui.num}>
                {m.value === null ? (
                  <span className="dim">{NO_DATA}</span>
                ) : (
                  <strong>{scalar(m.value, m.unit, currency)}</strong>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}
