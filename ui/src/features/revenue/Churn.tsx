import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { number, percent, words } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { Fact, Pick, Stand } from "./Common";
import { Departures, Missing } from "./Departures";
import { churnQuery, csvAddress, type ChurnAnswer } from "./queries";
import { useWho } from "./Revenue";
import css from "./revenue.module.css";
import { amounts, reasonLabel, withStage } from "./rules";

const BY = [
  { value: "reason", label: "Reason" },
  { value: "secondary", label: "Second reason" },
  { value: "segment", label: "Segment" },
  { value: "owner", label: "Owner" },
  { value: "cohort", label: "Start" },
  { value: "size", label: "Size" },
  { value: "plan", label: "Plan" },
];
const BASES = [
  { value: "effect", label: "By effect" },
  { value: "notice", label: "By notice" },
];
const LENGTHS = [
  { value: "6", label: "6 months" },
  { value: "12", label: "12 months" },
  { value: "24", label: "24 months" },
];

/** Who left, when and why, and what went with them. */
export function Churn() {
  const { by = "reason", basis, months = "12", month } = useSearch({ from: "/revenue" });
  const who = useWho();
  const query = { ...who, by, basis, months: Number(months), month };
  const answer = useQuery(churnQuery(query));
  return (
    <Loaded of={answer} lines={12}>
      {(data) => (
        <div className={css.page}>
          <Stand asOf={data.as_of} computedAt={data.computed_at} csv={csvAddress("churn", query)} />
          <div className={css.controls}>
            <Pick name="months" label="Length" options={LENGTHS} otherwise="12" />
            <Pick name="basis" label="Dated by" options={BASES} otherwise="effect" />
          </div>
          <Shown data={data} />
        </div>
      )}
    </Loaded>
  );
}

function Shown({ data }: { data: ChurnAnswer }) {
  const { months = "12", month, value, step } = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  const who = useWho();
  const asked = { ...who, months: Number(months), month, basis: data.basis };
  const most = Math.max(1, ...data.months.map((m) => m.departures));
  const openGroup = (group: string) => void navigate({ search: (s) => ({ ...s, value: group, step: "group" }) });
  const name = (group: ChurnAnswer["groups"][number]) =>
    data.by === "segment" ? (
      <SegmentChip id={group.value} />
    ) : data.by === "reason" || data.by === "secondary" ? (
      (group.label ?? reasonLabel(group.value))
    ) : (
      group.value
    );
  return (
    <>
      <div className={css.facts}>
        <Fact
          label="Customers lost"
          value={percent(data.logo_churn)}
          note={`${number(data.left, 0)} of ${number(data.active_start, 0)} active at the start`}
        />
        <Fact label="Departures" value={number(data.departures, 0)} note="come-and-gone included" />
        <Fact label="MRR that left" value={amounts(data.mrr)} note="on the last active day" />
        <Fact label="Without a reason" value={number(data.without_reason, 0)} note="on record" />
      </div>
      <Missing asked={asked} count={data.without_reason} />
      <Panel
        title={`${month ? day(month, "month") : `${day(data.first_day)} to ${day(data.last_day)}`} by ${(withStage(BY, data.staged).find((b) => b.value === data.by)?.label ?? words(data.by)).toLowerCase()}`}
        flush
        aside={<Pick name="by" label="Group by" options={withStage(BY, data.staged)} otherwise="reason" />}
      >
        {data.groups.length === 0 ? (
          <Empty title="Nobody left in this time" />
        ) : (
          <DataTable
            caption={`Departures by ${data.by}`}
            rows={data.groups}
            rowKey={(g) => g.value}
            cols={[
              {
                label: BY.find((b) => b.value === data.by)?.label ?? words(data.by),
                show: (g) => (
                  <button type="button" className={css.link} onClick={() => openGroup(g.value)}>
                    {name(g)}
                  </button>
                ),
              },
              { label: "Departures", num: true, show: (g) => number(g.departures, 0) },
              { label: "Share", num: true, show: (g) => percent(g.share) },
              { label: "MRR", num: true, show: (g) => amounts(g.mrr) },
              ...(data.groups.some((g) => g.active_start !== null)
                ? [
                    {
                      label: "Logo churn",
                      num: true,
                      show: (g: ChurnAnswer["groups"][number]) =>
                        g.active_start === null ? (
                          "–"
                        ) : (
                          <>
                            {percent(g.logo_churn)} <span className="dim small">of {number(g.active_start, 0)}</span>
                          </>
                        ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Panel>
      <Panel
        title="Months"
        flush
        aside={
          month ? (
            <button
              type="button"
              className={css.link}
              onClick={() => void navigate({ search: (s) => ({ ...s, month: undefined }) })}
            >
              All months
            </button>
          ) : (
            <span className="dim">A month narrows everything above to it.</span>
          )
        }
      >
        <DataTable
          caption="Churn by month"
          rows={[...data.months].reverse()}
          rowKey={(m) => m.month}
          cols={[
            {
              label: "Month",
              show: (m) => (
                <button
                  type="button"
                  className={css.link}
                  aria-pressed={month === m.month}
                  onClick={() =>
                    void navigate({ search: (s) => ({ ...s, month: month === m.month ? undefined : m.month }) })
                  }
                >
                  {day(m.month, "month")}
                  {m.running ? ", so far" : ""}
                </button>
              ),
            },
            {
              label: "Departures",
              num: true,
              show: (m) => (
                <span className={css.meter}>
                  <span
                    aria-hidden="true"
                    className={css.meterBar}
                    style={{ width: `${(m.departures / most) * 72}px` }}
                  />
                  {number(m.departures, 0)}
                </span>
              ),
            },
            {
              label: "Logo churn",
              num: true,
              show: (m) => (
                <>
                  {percent(m.logo_churn)} <span className="dim small">{`${m.left} of ${m.active_start}`}</span>
                </>
              ),
            },
            { label: "MRR that left", num: true, show: (m) => amounts(m.mrr) },
            {
              label: "Revenue churn",
              num: true,
              show: (m) => m.revenue_churn.map((r) => percent(r.amount)).join(" · ") || "–",
            },
            { label: "Notices", num: true, show: (m) => number(m.notices, 0) },
            {
              label: "Notice to effect",
              num: true,
              show: (m) =>
                m.notice_days === null ? (
                  "–"
                ) : (
                  <>
                    {number(m.notice_days, 0)} d <span className="dim small">of {m.with_notice}</span>
                  </>
                ),
            },
            { label: "Saves", num: true, show: (m) => number(m.saves, 0) },
            { label: "No reason", num: true, show: (m) => number(m.without_reason, 0) },
          ]}
        />
      </Panel>
      {step === "group" && value !== undefined ? (
        <Departures
          asked={{ ...asked, by: data.by, value }}
          title={`${data.by === "reason" || data.by === "secondary" ? reasonLabel(value) : value}: who left`}
          close={() => void navigate({ search: (s) => ({ ...s, step: undefined, value: undefined }) })}
        />
      ) : null}
    </>
  );
}
