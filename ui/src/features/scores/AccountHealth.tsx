import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { sessionQuery } from "@/features/auth/queries";
import { day } from "@/shared/days";
import { figure, number, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Panel } from "@/shared/ui/Panel";
import { Spark } from "@/shared/ui/Spark";
import { Loaded } from "@/shared/ui/State";
import { Points, Way } from "./Bits";
import { accountScoreQuery, type AccountScore } from "./queries";
import { grouped, signed } from "./rules";
import css from "./scores.module.css";

const Overrides = lazy(async () => ({ default: (await import("./Overrides")).Overrides }));

/** An account's score: why it has it, what changed it, and the least that would make it green. */
export function AccountHealth({ account, asOf, past }: { account: string; asOf: string | undefined; past: boolean }) {
  const answer = useQuery(accountScoreQuery(account, asOf));
  const role = useQuery(sessionQuery).data?.user.role;
  const [open, setOpen] = useState(false);
  const data = answer.data;
  if (data && !data.score) return null;
  return (
    <Panel
      title={data?.score?.label ?? "Health"}
      aside={
        <>
          {data ? <Fresh at={data.computed_at} /> : null}
          {role !== undefined && role !== "viewer" && !past ? (
            <Button size="xs" variant="default" onClick={() => setOpen(true)}>
              Override
            </Button>
          ) : null}
        </>
      }
    >
      <Loaded of={answer} lines={6}>
        {(a) => <Body a={a} />}
      </Loaded>
      {open && data ? (
        <Suspense fallback={null}>
          <Overrides a={data} close={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </Panel>
  );
}

function Body({ a }: { a: AccountScore }) {
  const history = a.history.map((h) => h.points);
  return (
    <>
      <div className={css.head}>
        <span className={css.big}>
          <Points points={a.points} band={a.band} />
        </span>
        {a.points !== null && a.before !== null ? (
          <span>
            {signed(a.points - a.before)} points since {day(a.compare_to)}
          </span>
        ) : null}
        <Way velocity={a.velocity} />
        <Spark values={history} label={`The score of the last ${history.length} weeks`} width={140} height={28} />
      </div>
      <StageLine a={a} />
      {a.remark ? <p className={css.note}>{a.remark}</p> : null}
      {a.points === null && !a.remark ? <p className="dim">No score: the account is not active on this day.</p> : null}
      <Sentences title={`What changed since ${day(a.compare_to)}`} lines={a.difference?.sentences ?? []} />
      <Sentences title="What costs most" lines={a.down} />
      <Sentences title="What gives most" lines={a.up} />
      <Sentences title="The least that would make it green" lines={a.to_green.map((step) => step.words)} />
      {a.lines.length > 0 ? <Ledger a={a} /> : null}
    </>
  );
}

/** How long the account has been in its lifecycle stage, against its segment. */
function StageLine({ a }: { a: AccountScore }) {
  if (a.stage_attribute === null) return <p className={css.stage}>No lifecycle stage is declared in program.yaml.</p>;
  if (!a.stage) return <p className={css.stage}>Its lifecycle stage is not known.</p>;
  const { stage, since, days, median, ratio, stays } = a.stage;
  return (
    <p className={css.stage}>
      In stage <strong>{words(stage)}</strong> for {number(days, 0)} days, since {day(since)}
      {median === null ? "" : `; the median of its segment is ${number(median, 0)} days over ${number(stays, 0)} stays`}
      {ratio === null ? "." : `: ${number(ratio, 1)} times as long.`}
    </p>
  );
}

function Sentences({ title, lines }: { title: string; lines: string[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3 className={css.sub}>{title}</h3>
      <ul className={css.list}>
        {lines.slice(0, 5).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}

const STATE: Record<string, string> = { missing: "missing", stale: "too old" };

/** Every measure with what it gives; the sum is the score. */
function Ledger({ a }: { a: AccountScore }) {
  const rest: [string, number][] = [
    ["What the score begins with", a.base],
    ["Kept within 0 and 100", a.clipped],
    ["A person's word", a.overridden],
  ];
  return (
    <details>
      <summary>
        Ledger{a.model_label ? ` of the model ${a.model_label}` : ""}
        {a.coverage === null ? "" : `, ${number(a.coverage * 100, 0)} % of the weight known`}
      </summary>
      <div className={css.scroll}>
        <table className={css.ledger}>
          <caption className="sr">What the score is made of</caption>
          <thead>
            <tr>
              {["Measure", "Value", "Points", "Weight", "Gives"].map((h) => (
                <th key={h} scope="col">
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          {grouped(a.lines).map((group) => (
            <tbody key={group.id}>
              <tr className={css.group}>
                <th scope="rowgroup" colSpan={4}>
                  {group.label}
                </th>
                <td>{number(group.sum, 1)}</td>
              </tr>
              {group.lines.map((line) => (
                <tr key={line.measure}>
                  <td>{line.label}</td>
                  <td>{STATE[line.state] ?? figure(line.value, line.unit)}</td>
                  <td>{line.points === null ? "–" : number(line.points, 0)}</td>
                  <td>{line.weight === null ? "–" : `${number(line.weight * 100, 1)} %`}</td>
                  <td>{number(line.contribution, 2)}</td>
                </tr>
              ))}
            </tbody>
          ))}
          <tfoot>
            {rest
              .filter(([, points]) => points !== 0)
              .map(([label, points]) => (
                <tr key={label}>
                  <td colSpan={4}>{label}</td>
                  <td>{signed(points)}</td>
                </tr>
              ))}
            <tr className={css.group}>
              <th scope="row" colSpan={4}>
                Score
              </th>
              <td>{a.points === null ? "–" : number(a.points, 2)}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      {a.missing.length > 0 ? <Sentences title="What is missing" lines={a.missing} /> : null}
    </details>
  );
}
