import type { Metric } from "@/api/types";
import { NO_DATA, scalar } from "@/shared/format";
import ui from "@/shared/ui/ui.module.css";
import css from "./accounts.module.css";
import { groupMetrics } from "./metricGroups";

/** The account's measures in one table, gathered by what they speak of. */
export function Metrics({ metrics, currency }: { metrics: Metric[]; currency: string | null }) {
  if (metrics.length === 0) return <p className={css.metricGroup}>The program declares no metric.</p>;
  return (
    <table className={ui.table}>
      <caption className="sr">Metrics</caption>
      <thead>
        <tr>
          <th scope="col">Metric</th>
          <th scope="col">Window</th>
          <th scope="col" className={ui.num}>
            Value
          </th>
        </tr>
      </thead>
      {groupMetrics(metrics).map((g) => (
        <tbody key={g.title}>
          <tr className={css.groupRow}>
            <th scope="rowgroup" colSpan={3}>
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
