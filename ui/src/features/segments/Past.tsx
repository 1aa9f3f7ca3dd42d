import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, lazy, useState } from "react";
import type { Flow, FlowStep, Membership } from "@/api/types";
import { day } from "@/shared/days";
import { money, number, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded, Skeleton } from "@/shared/ui/State";
import { flowAccountsQuery, flowQuery, historyQuery } from "./queries";
import css from "./segments.module.css";

const FlowChart = lazy(() => import("./FlowChart"));
const HistoryChart = lazy(() => import("./HistoryChart"));
const OUT = "Not a customer";

/** Who went from which segment to which, period by period. */
export function FlowPanel({ asOf, currency }: { asOf: string | undefined; currency: string }) {
  const [grain, setGrain] = useState("month");
  const answer = useQuery(flowQuery(grain, asOf));
  return (
    <Panel
      title="Flow between segments"
      aside={
        <>
          {answer.data ? <Fresh at={answer.data.computed_at} /> : null}
          <SegmentedControl
            size="xs"
            aria-label="Period"
            value={grain}
            onChange={setGrain}
            data={[
              { value: "month", label: "Months" },
              { value: "quarter", label: "Quarters" },
            ]}
          />
        </>
      }
    >
      <Loaded of={answer} lines={8}>
        {(data) => <FlowBody data={data} currency={currency} />}
      </Loaded>
    </Panel>
  );
}

const moves = (step: FlowStep) => step.links.filter((l) => l.from !== l.to);

function FlowBody({ data, currency }: { data: Flow; currency: string }) {
  const steps = data.steps.slice(-6);
  const [chosen, setChosen] = useState<string | null>(null);
  const [open, setOpen] = useState<{ from: string | null; to: string | null } | null>(null);
  const step = steps.find((s) => s.to_day === chosen) ?? steps.findLast((s) => moves(s).length > 0) ?? steps.at(-1);
  if (!step) return <Empty title="There is no past yet">A flow needs at least two days with accounts.</Empty>;
  const rows = moves(step).toSorted((a, b) => b.accounts - a.accounts);
  return (
    <>
      <Suspense fallback={<Skeleton lines={8} />}>
        <FlowChart steps={steps} />
      </Suspense>
      <div className={css.actions} role="group" aria-label="Which step">
        {steps.map((s) => (
          <Button
            key={s.to_day}
            size="compact-xs"
            variant={s === step ? "light" : "subtle"}
            aria-pressed={s === step}
            onClick={() => setChosen(s.to_day)}
          >
            to {day(s.to_day)}:{" "}
            {number(
              moves(s).reduce((n, l) => n + l.accounts, 0),
              0,
            )}{" "}
            moved
          </Button>
        ))}
      </div>
      {rows.length === 0 ? (
        <Empty title="Nobody moved, came or left in this step" />
      ) : (
        <DataTable
          caption={`Moves from ${day(step.from_day)} to ${day(step.to_day)}`}
          rows={rows}
          rowKey={(l) => `${l.from ?? ""}>${l.to ?? ""}`}
          cols={[
            { label: "From", show: (l) => (l.from === null ? OUT : <SegmentChip id={l.from} />) },
            { label: "To", show: (l) => (l.to === null ? OUT : <SegmentChip id={l.to} />) },
            {
              label: "Accounts",
              num: true,
              show: (l) => (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  aria-label={`Show the ${l.accounts} accounts from ${l.from ?? OUT} to ${l.to ?? OUT}`}
                  onClick={() => setOpen({ from: l.from, to: l.to })}
                >
                  {number(l.accounts, 0)}
                </Button>
              ),
            },
            { label: "MRR before", num: true, show: (l) => (l.from === null ? "–" : money(l.mrr_before, currency)) },
            { label: "MRR after", num: true, show: (l) => (l.to === null ? "–" : money(l.mrr_after, currency)) },
          ]}
        />
      )}
      {open ? <FlowAccounts step={step} way={open} currency={currency} close={() => setOpen(null)} /> : null}
    </>
  );
}

function FlowAccounts({
  step,
  way,
  currency,
  close,
}: {
  step: FlowStep;
  way: { from: string | null; to: string | null };
  currency: string;
  close: () => void;
}) {
  const answer = useQuery(
    flowAccountsQuery({
      from_day: step.from_day,
      to_day: step.to_day,
      from: way.from ?? undefined,
      to: way.to ?? undefined,
    }),
  );
  const name = (s: string | null) => (s === null ? OUT.toLowerCase() : words(s));
  return (
    <section className={css.opened} aria-label="Accounts of the move">
      <div className={css.actions}>
        <strong>
          From {name(way.from)} to {name(way.to)}, {day(step.from_day)} to {day(step.to_day)}
        </strong>
        <Button size="compact-xs" variant="subtle" onClick={close}>
          Close
        </Button>
      </div>
      <Loaded of={answer} lines={3}>
        {(data) => (
          <>
            <DataTable
              caption="Accounts of the move"
              rows={data.items}
              rowKey={(a) => a.account_id}
              cols={[
                {
                  label: "Account",
                  show: (a) => (
                    <Link to="/accounts/$id" params={{ id: a.account_id }}>
                      {a.name}
                    </Link>
                  ),
                },
                { label: "Owner", show: (a) => a.owner ?? "–" },
                { label: "MRR before", num: true, show: (a) => money(a.mrr_before, currency) },
                { label: "MRR after", num: true, show: (a) => money(a.mrr_after, currency) },
              ]}
            />
            {data.total > data.items.length ? (
              <p className="dim">
                The first {data.items.length} of {data.total}.
              </p>
            ) : null}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** How many accounts each segment had. */
export function HistoryPanel({ asOf, currency }: { asOf: string | undefined; currency: string }) {
  const [grain, setGrain] = useState("month");
  const answer = useQuery(historyQuery(grain, asOf));
  return (
    <Panel
      title="Membership over time"
      aside={
        <>
          {answer.data ? <Fresh at={answer.data.computed_at} /> : null}
          <SegmentedControl
            size="xs"
            aria-label="Points"
            value={grain}
            onChange={setGrain}
            data={[
              { value: "month", label: "Months" },
              { value: "day", label: "Days" },
            ]}
          />
        </>
      }
    >
      <Loaded of={answer} lines={8}>
        {(data) => <HistoryBody data={data} currency={currency} />}
      </Loaded>
    </Panel>
  );
}

function HistoryBody({ data, currency }: { data: Membership; currency: string }) {
  const segments = [...new Set(data.points.flatMap((p) => p.segments.map((s) => s.segment)))];
  if (segments.length === 0) return <Empty title="No account was active in this time" />;
  const of = (p: Membership["points"][number], segment: string) => p.segments.find((s) => s.segment === segment);
  const rows = data.points.toReversed().slice(0, data.grain === "day" ? 31 : 25);
  return (
    <>
      <p className="dim">The rules in force, applied to every day of the past.</p>
      <Suspense fallback={<Skeleton lines={8} />}>
        <HistoryChart data={data} segments={segments} />
      </Suspense>
      <DataTable
        caption="Active accounts by segment"
        rows={rows}
        rowKey={(p) => p.day}
        cols={[
          { label: "Day", show: (p) => <span className="nowrap">{day(p.day)}</span> },
          ...segments.map((segment) => ({
            label: words(segment),
            num: true,
            show: (p: Membership["points"][number]) => (
              <span title={money(of(p, segment)?.mrr ?? 0, currency)}>{number(of(p, segment)?.accounts ?? 0, 0)}</span>
            ),
          })),
        ]}
      />
    </>
  );
}
