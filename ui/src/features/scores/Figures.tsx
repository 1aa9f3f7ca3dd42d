import type { ReactNode } from "react";
import { number } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty } from "@/shared/ui/State";
import type { ScoreGroup, ScoreList } from "./queries";
import { BAND_COLOR, BAND_LABEL, BANDS, bandAt, signed } from "./rules";
import css from "./scores.module.css";

/** How many accounts have which score, in steps of five points. */
export function Distribution({ whole }: { whole: ScoreList }) {
  const head = whole.score ?? { green: 75, yellow: 50 };
  const most = Math.max(1, ...whole.distribution);
  const told = whole.distribution
    .map((n, at) => (n > 0 ? `${at * 5} to ${at * 5 + 5}: ${n}` : null))
    .filter(Boolean)
    .join("; ");
  return (
    <Panel title="Distribution" aside={<span className="dim">accounts by score</span>}>
      <div className={css.bars} role="img" aria-label={`Accounts by score. ${told || "Nobody has a score."}`}>
        {whole.distribution.map((n, at) => (
          <div
            key={at}
            className={css.bar}
            title={`${at * 5} to ${at * 5 + 5}: ${n} accounts`}
            style={{ height: `${(n / most) * 100}%`, background: BAND_COLOR[bandAt(at * 5, head)].solid }}
          />
        ))}
      </div>
      <div className={css.axis} aria-hidden="true">
        {[0, 25, 50, 75, 100].map((tick) => (
          <span key={tick}>{tick}</span>
        ))}
      </div>
    </Panel>
  );
}

/** Who went from which band to which since the day that is compared with. */
export function Movement({ whole, open }: { whole: ScoreList; open: (from: string, to: string) => void }) {
  const of = (from: string, to: string) => whole.moves.find((m) => m.from === from && m.to === to)?.accounts ?? 0;
  return (
    <Panel title="Movement between bands" flush>
      <table className={css.matrix}>
        <caption className="sr">Accounts by the band that they were in and the band that they are in</caption>
        <thead>
          <tr>
            <th scope="col">Was ↓ · is →</th>
            {BANDS.map((to) => (
              <th key={to} scope="col">
                {BAND_LABEL[to]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {BANDS.map((from) => (
            <tr key={from}>
              <th scope="row">{BAND_LABEL[from]}</th>
              {BANDS.map((to) => {
                const n = of(from, to);
                return (
                  <td key={to} className={from === to ? css.stay : undefined}>
                    {n > 0 ? (
                      <button
                        type="button"
                        className={css.link}
                        aria-label={`${n} accounts from ${BAND_LABEL[from]} to ${BAND_LABEL[to]}`}
                        onClick={() => open(from, to)}
                      >
                        {number(n, 0)}
                      </button>
                    ) : (
                      <span className="dim">0</span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

/** The same figures for each segment or owner. */
export function Groups({
  title,
  groups,
  name,
  open,
}: {
  title: string;
  groups: ScoreGroup[];
  name: (group: ScoreGroup) => ReactNode;
  open: (id: string) => void;
}) {
  return (
    <Panel title={title} flush>
      {groups.length === 0 ? (
        <Empty title="Nobody" />
      ) : (
        <div className={css.groups}>
          <DataTable
            caption={title}
            rows={groups}
            rowKey={(g) => g.id}
            cols={[
              {
                label: title.replace("By ", "").replace(/^./, (c) => c.toUpperCase()),
                show: (g) => (
                  <button type="button" className={`${css.link} ${css.who}`} title={g.label} onClick={() => open(g.id)}>
                    {name(g)}
                  </button>
                ),
              },
              { label: "Accounts", num: true, show: (g) => number(g.accounts, 0) },
              { label: "Average", num: true, show: (g) => (g.average === null ? "–" : number(g.average, 1)) },
              {
                label: "30 days",
                num: true,
                show: (g) =>
                  g.average === null || g.average_before === null ? "–" : signed(g.average - g.average_before),
              },
              { label: "Red", num: true, show: (g) => number(g.bands.red, 0) },
              { label: "Falling", num: true, show: (g) => number(g.falling, 0) },
              { label: "Velocity", num: true, show: (g) => (g.velocity === null ? "–" : number(g.velocity, 0)) },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}
