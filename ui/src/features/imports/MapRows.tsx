import type { MapLook, RowLook } from "@/api/types";
import { scalar, sentence, words } from "@/shared/format";
import css from "./imports.module.css";

/** The file's first rows beside what becomes of them. */
export function MapRows({ look }: { look: MapLook }) {
  const names = look.columns.map((c) => c.name);
  return (
    <section aria-label="First rows" className={css.rows}>
      <h3>First rows, and what becomes of them</h3>
      <ul>
        {look.rows.map((row) => (
          <li key={row.line} className={row.fault ? css.badRow : undefined}>
            <div className={css.rowRaw}>
              <span className="dim small">line {row.line}</span>
              <dl>
                {row.cells.map((cell, i) =>
                  cell === "" ? null : (
                    <div key={names[i] ?? i}>
                      <dt>{names[i] ?? `column ${i + 1}`}</dt>
                      <dd className="mono">{cell}</dd>
                    </div>
                  ),
                )}
              </dl>
            </div>
            <Becomes row={row} waiting={look.problem !== null} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Becomes({ row, waiting }: { row: RowLook; waiting: boolean }) {
  if (row.fault)
    return (
      <div className={css.rowSaid}>
        <span className={css.failed}>rejected</span> <code>{row.fault.field || "row"}</code>{" "}
        {row.fault.value ? <span className="mono">{row.fault.value}</span> : null} {sentence(row.fault.reason)}{" "}
        <span className="dim">{sentence(row.fault.remedy)}</span>
      </div>
    );
  if (row.skipped) return <div className={`${css.rowSaid} dim`}>left out</div>;
  if (waiting) return <div className={`${css.rowSaid} dim`}>shown when the map holds</div>;
  return (
    <div className={css.rowSaid}>
      {row.becomes.map((said, i) => {
        const { what, id, ...values } = said as Record<string, unknown>;
        return (
          <div key={i}>
            <span className="dim">{words(String(what))}</span> <strong>{String(id)}</strong>
            <dl>
              {Object.entries(values).map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{typeof value === "string" ? value : scalar(value)}</dd>
                </div>
              ))}
            </dl>
          </div>
        );
      })}
    </div>
  );
}
