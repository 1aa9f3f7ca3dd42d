import { useQuery } from "@tanstack/react-query";
import { day } from "@/shared/days";
import { number, percent } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { movementQuery, type MovementProof as Proof } from "./queries";
import { BAND_LABEL, type BandName } from "./rules";
import css from "./scores.module.css";

const ROWS: BandName[] = ["green", "yellow", "red"];
const WAYS = [
  { id: "falling", label: "Falling" },
  { id: "steady", label: "Steady" },
  { id: "unsure", label: "Unsure" },
  { id: "rising", label: "Rising" },
  { id: "unknown", label: "Not known" },
];

/** The back-test of velocity: churn after days long past, by the band and the direction on them. */
export function MovementProof({ score, segment }: { score: string | undefined; segment: string | undefined }) {
  const answer = useQuery(movementQuery(score, segment));
  return (
    <Panel title="Churn by band and direction" flush>
      <Loaded of={answer} lines={5}>
        {(proof) =>
          proof.cells.length === 0 ? (
            <Empty title="No data yet">
              The {number(proof.horizon_days, 0)} days after a day with scores have to pass first.
            </Empty>
          ) : (
            <Table proof={proof} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function Table({ proof }: { proof: Proof }) {
  const of = (band: string, state: string) => proof.cells.find((c) => c.band === band && c.state === state);
  const shown = WAYS.filter((w) => proof.cells.some((c) => c.state === w.id));
  const [first, last] = [proof.cutoffs[0], proof.cutoffs.at(-1)];
  return (
    <>
      <div className={css.scroll}>
        <table className={css.matrix}>
          <caption className="sr">Share of accounts that churned, by band and direction</caption>
          <thead>
            <tr>
              <th scope="col">Band</th>
              {shown.map((w) => (
                <th key={w.id} scope="col">
                  {w.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ROWS.map((band) => (
              <tr key={band}>
                <th scope="row">{BAND_LABEL[band]}</th>
                {shown.map((w) => {
                  const cell = of(band, w.id);
                  return (
                    <td key={w.id}>
                      {cell ? (
                        <span title={`95 %: ${percent(cell.low, 1)} to ${percent(cell.high, 1)}`}>
                          {percent(cell.rate, 1)}
                          <span className={css.of}>
                            {number(cell.churned, 0)} of {number(cell.accounts, 0)}
                          </span>
                        </span>
                      ) : (
                        <span className="dim">–</span>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={css.foot}>
        Churned within {number(proof.horizon_days, 0)} days of {number(proof.cutoffs.length, 0)}{" "}
        {proof.cutoffs.length === 1 ? "day" : "days"}
        {first && last ? `, ${day(first)} to ${day(last)}` : ""}. {proof.note}
      </p>
    </>
  );
}
