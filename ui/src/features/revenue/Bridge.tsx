import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money, number, percent, words } from "@/shared/format";
import { DataTable, Panel, type Col } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { BridgeAccounts } from "./BridgeAccounts";
import { CurrencyPick, Fact, Pick, Stand } from "./Common";
import { bridgeQuery, csvAddress, type BridgeAnswer, type BridgeLine } from "./queries";
import { useWho } from "./Revenue";
import css from "./revenue.module.css";
import { signed, stepLabel, withStage } from "./rules";
import { Waterfall } from "./Waterfall";

const GRAINS = [
  { value: "month", label: "Months" },
  { value: "quarter", label: "Quarters" },
  { value: "12m", label: "12 months" },
];
const BY = [
  { value: "segment", label: "Segment" },
  { value: "owner", label: "Owner" },
  { value: "plan", label: "Plan" },
];

/** How a period is called. */
function periodName(period: { period: string; first_day: string; running: boolean }, grain: string): string {
  const name =
    grain === "month"
      ? day(period.period, "month")
      : grain === "quarter"
        ? `Q${Math.ceil(Number(period.period.slice(5, 7)) / 3)} ${period.period.slice(0, 4)}`
        : `12 months to ${day(period.period, "month")}`;
  return period.running ? `${name}, so far` : name;
}

/** From opening to closing revenue, by period, and one period by segment, owner or plan. */
export function Bridge() {
  const search = useSearch({ from: "/revenue" });
  const who = useWho();
  const { grain = "month", period, by = "segment" } = search;
  // A currency narrows what is shown here, not what is asked: the others stay to be chosen.
  const query = { ...who, currency: undefined, grain, period, by, periods: grain === "quarter" ? 8 : 13 };
  const answer = useQuery(bridgeQuery(query));
  return (
    <Loaded of={answer} lines={12}>
      {(data) => (
        <div className={css.page}>
          <Stand asOf={data.as_of} computedAt={data.computed_at} csv={csvAddress("bridge", query)} />
          <Shown data={data} currency={who.currency ?? data.currencies[0] ?? ""} />
        </div>
      )}
    </Loaded>
  );
}

function Shown({ data, currency }: { data: BridgeAnswer; currency: string }) {
  const search = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  const who = useWho();
  const of = (lines: BridgeLine[]) => lines.find((l) => l.currency === currency);
  const chosen = data.periods.find((p) => p.period === data.period);
  const line = chosen ? of(chosen.currencies) : undefined;
  const { step, value } = search;
  const open = (next: string, part?: string) => void navigate({ search: (s) => ({ ...s, step: next, value: part }) });
  const money_ = (v: number) => money(v, currency, true);
  const parts = data.parts.flatMap((p) => {
    const l = of(p.currencies);
    return l && (l.opening !== 0 || l.closing !== 0 || l.active_start + l.active_end > 0)
      ? [{ ...l, value: p.value }]
      : [];
  });
  const move = (name: string): Col<BridgeLine & { value?: string }> => ({
    label: stepLabel(name),
    num: true,
    show: (l) => signed(l.steps.find((s) => s.step === name)?.amount ?? 0, currency),
  });
  const figures: Col<BridgeLine & { value?: string }>[] = [
    { label: "Opening", num: true, show: (l) => money_(l.opening) },
    move("new"),
    move("reactivation"),
    move("expansion"),
    move("contraction"),
    move("churn"),
    { label: "Closing", num: true, show: (l) => <strong>{money_(l.closing)}</strong> },
    { label: "GRR", num: true, show: (l) => percent(l.grr) },
    { label: "NRR", num: true, show: (l) => percent(l.nrr) },
  ];
  return (
    <>
      <div className={css.controls}>
        <Pick name="grain" label="Period" options={GRAINS} otherwise="month" />
        <CurrencyPick all={data.currencies} value={currency} />
      </div>
      {!chosen || !line || line.active_start + line.active_end === 0 ? (
        <Empty title="No revenue in this period">No account that passes the filters was active in it.</Empty>
      ) : (
        <Panel
          title={`Revenue bridge, ${periodName(chosen, data.grain)}`}
          aside={
            <span className="dim">
              {day(chosen.first_day)} to {day(chosen.period)}
            </span>
          }
        >
          <div className={css.facts}>
            <Fact label="Gross retention" value={percent(line.grr)} note={`of ${money_(line.base)}`} />
            <Fact label="Net retention" value={percent(line.nrr)} note={`of ${money_(line.base)}`} />
            <Fact
              label="Customers lost"
              value={percent(line.logo_churn)}
              note={`of ${number(line.active_start, 0)} accounts`}
            />
            <Fact label="Change" value={signed(line.closing - line.opening, currency)} note="a month" />
            {line.unknown > 0 ? (
              <Fact label="MRR not known" value={number(line.unknown, 0)} note="accounts, in no amount" />
            ) : null}
          </div>
          <Waterfall line={line} open={(s) => open(s)} />
        </Panel>
      )}
      <Panel title={GRAINS.find((g) => g.value === data.grain)?.label ?? "Periods"} flush>
        <DataTable
          caption="Bridge by period"
          rows={[...data.periods].reverse().flatMap((p) => {
            const l = of(p.currencies);
            return l ? [{ ...l, at: p }] : [];
          })}
          rowKey={(l) => l.at.period}
          cols={[
            {
              label: "Period",
              show: (l) => (
                <button
                  type="button"
                  className={css.link}
                  aria-pressed={l.at.period === data.period}
                  onClick={() =>
                    void navigate({ search: (s) => ({ ...s, period: l.at.period, step: undefined, value: undefined }) })
                  }
                >
                  {periodName(l.at, data.grain)}
                </button>
              ),
            },
            ...(figures as Col<BridgeLine & { at: BridgeAnswer["periods"][number] }>[]),
          ]}
        />
      </Panel>
      <Panel
        title={`${chosen ? periodName(chosen, data.grain) : "Period"} by ${words(data.by).toLowerCase()}`}
        flush
        aside={<Pick name="by" label="Split by" options={withStage(BY, data.staged)} otherwise="segment" />}
      >
        <DataTable
          caption={`Bridge by ${data.by}`}
          rows={parts}
          rowKey={(l) => l.value ?? ""}
          cols={[
            {
              label: words(data.by),
              show: (l) => (
                <button type="button" className={css.link} onClick={() => open("all", l.value)}>
                  {data.by === "segment" ? <SegmentChip id={l.value ?? null} /> : l.value}
                </button>
              ),
            },
            ...figures,
          ]}
        />
      </Panel>
      {step ? (
        <BridgeAccounts
          asked={{
            ...who,
            grain: data.grain,
            period: data.period,
            currency,
            step: step === "all" ? undefined : step,
            value,
            by: value === undefined ? undefined : data.by,
          }}
          title={`${step === "all" ? words(value ?? "All") : stepLabel(step)}, ${chosen ? periodName(chosen, data.grain) : ""}`}
          close={() => void navigate({ search: (s) => ({ ...s, step: undefined, value: undefined }) })}
        />
      ) : null}
    </>
  );
}
