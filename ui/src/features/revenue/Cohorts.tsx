import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money, number, percent } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { AccountLink, Behind, CurrencyPick, Pick, Rows, Stand } from "./Common";
import { cohortAccountsQuery, cohortsQuery, csvAddress, type CohortAccountsAsked, type CohortsAnswer } from "./queries";
import { useWho } from "./Revenue";
import css from "./revenue.module.css";
import { heat } from "./rules";

const MEASURES = [
  { value: "logo", label: "Customers" },
  { value: "net", label: "Revenue, net" },
  { value: "gross", label: "Revenue, gross" },
];
const GRAINS = [
  { value: "month", label: "Months" },
  { value: "quarter", label: "Quarters" },
];

/** How much of the customers that started together is left, month by month. */
export function Cohorts() {
  const { measure = "logo", grain, value, step } = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  const who = useWho();
  const by = grain === "quarter" ? "quarter" : "month";
  const query = { ...who, measure, grain: by, months: 24 };
  const answer = useQuery(cohortsQuery(query));
  const [cohort, age] = (value ?? "").split("~");
  return (
    <Loaded of={answer} lines={14}>
      {(data) => (
        <div className={css.page}>
          <Stand asOf={data.as_of} computedAt={data.computed_at} csv={csvAddress("cohorts", query)} />
          <div className={css.controls}>
            <Pick name="measure" label="Measure" options={MEASURES} otherwise="logo" />
            <Pick name="grain" label="Gathered by" options={GRAINS} otherwise="month" />
            {measure === "logo" ? null : <CurrencyPick all={data.currencies} value={data.currency} />}
          </div>
          {data.cohorts.some((c) => c.cells.length > 0) ? (
            <Panel
              title={`${MEASURES.find((m) => m.value === measure)?.label ?? ""} left after so many whole months`}
              flush
              aside={
                data.left_out > 0 && measure !== "logo" ? (
                  <span className="dim">
                    {number(data.left_out, 0)} accounts not counted: MRR unknown, or another currency
                  </span>
                ) : null
              }
            >
              <Triangle
                data={data}
                open={(c, a) => void navigate({ search: (s) => ({ ...s, value: `${c}~${a}`, step: "cohort" }) })}
              />
            </Panel>
          ) : (
            <Empty title="No cohort has a whole month behind it">Cohorts fill when the first months have passed.</Empty>
          )}
          {step === "cohort" && cohort && age ? (
            <CohortAccounts
              asked={{ ...who, measure, cohort, age: Number(age) }}
              close={() => void navigate({ search: (s) => ({ ...s, value: undefined, step: undefined }) })}
            />
          ) : null}
        </div>
      )}
    </Loaded>
  );
}

function Triangle({ data, open }: { data: CohortsAnswer; open: (cohort: string, age: number) => void }) {
  const ages = data.pooled.map((c) => c.age);
  const cell = (value: number | null) => ({
    background: `color-mix(in srgb, var(--brand) ${Math.round(heat(value) * 34)}%, transparent)`,
  });
  return (
    <table className={css.triangle}>
      <caption className="sr">Retention by cohort and age</caption>
      <thead>
        <tr>
          <th scope="col">Started</th>
          <th scope="col" className="num">
            {data.measure === "logo" ? "Accounts" : "MRR"}
          </th>
          {ages.map((age) => (
            <th key={age} scope="col" className="num">
              {age}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <tr className={css.pooled}>
          <th scope="row">All</th>
          <td />
          {data.pooled.map((c) => (
            <td
              key={c.age}
              className="num"
              style={cell(c.value)}
              title={`${number(c.numerator)} of ${number(c.denominator)}`}
            >
              {percent(c.value, 0)}
            </td>
          ))}
        </tr>
        {[...data.cohorts]
          .reverse()
          .filter((c) => c.cells.length > 0)
          .map((c) => (
            <tr key={c.cohort}>
              <th scope="row" className="nowrap">
                {c.cohort.includes("Q") ? c.cohort : day(`${c.cohort}-01`, "month")}
              </th>
              <td className="num">
                {data.measure === "logo" ? number(c.accounts, 0) : money(c.mrr, data.currency, true)}
              </td>
              {c.cells.map((x) => (
                <td key={x.age} className="num" style={cell(x.value)}>
                  <button
                    type="button"
                    className={css.cell}
                    aria-label={`${c.cohort}, ${x.age} months: ${percent(x.value)}, ${number(x.numerator)} of ${number(x.denominator)}. Show the accounts`}
                    onClick={() => open(c.cohort, x.age)}
                  >
                    {percent(x.value, 0)}
                  </button>
                </td>
              ))}
            </tr>
          ))}
      </tbody>
    </table>
  );
}

/** The accounts behind a cell. */
export function CohortAccounts({ asked, close }: { asked: CohortAccountsAsked; close: () => void }) {
  const pages = useInfiniteQuery(cohortAccountsQuery(asked));
  const title = `Started ${asked.cohort}, after ${asked.age} ${asked.age === 1 ? "month" : "months"}`;
  return (
    <Behind title={title} csv={csvAddress("cohorts/accounts", asked)} total={pages.data?.pages[0]?.total} close={close}>
      <Rows of={pages} empty={<Empty title="No account is in this cohort" />}>
        {(rows) => (
          <DataTable
            caption={title}
            rows={rows}
            rowKey={(r) => r.account_id}
            cols={[
              { label: "Account", show: (r) => <AccountLink id={r.account_id} name={r.name} /> },
              { label: "State then", show: (r) => (r.active ? "active" : <strong>left</strong>) },
              { label: "Segment at start", show: (r) => <SegmentChip id={r.segment} /> },
              { label: "Started", show: (r) => <span className="nowrap">{day(r.started_on)}</span> },
              { label: "MRR at start", num: true, show: (r) => money(r.mrr_start, r.currency) },
              { label: "MRR then", num: true, show: (r) => money(r.mrr, r.currency) },
            ]}
          />
        )}
      </Rows>
    </Behind>
  );
}
