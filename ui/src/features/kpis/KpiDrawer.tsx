import { Drawer, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { day } from "@/shared/days";
import { figure, sides, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable } from "@/shared/ui/Panel";
import { StatusBadge } from "@/shared/ui/Status";
import { Empty, Loaded, Skeleton } from "@/shared/ui/State";
import { useCurrency } from "./currency";
import css from "./kpis.module.css";
import { KpiAccounts } from "./KpiAccounts";
import { seriesQuery } from "./queries";
import type { Line } from "./rules";

const Trend = lazy(() => import("./TrendChart"));

type Props = {
  line: Line;
  scope: string;
  segments: string[];
  asOf: string;
  setScope: (scope: string) => void;
  close: () => void;
};

/** What a figure is made of: its definition, its history by segment, and the accounts behind it. */
export function KpiDrawer({ line, scope, segments, asOf: until, setScope, close }: Props) {
  const currency = useCurrency();
  const [months, setMonths] = useState("13");
  const [view, setView] = useState("chart");
  const series = useQuery(seriesQuery(line.kpi, until, Number(months)));
  const rows = scope === "all" ? line.all : (line.scopes.find((s) => s.scope === scope)?.rows ?? []);
  const first = rows[0];
  const held = rows.filter((r) => r.target_id);
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(760px, 100vw)"
      title={<strong>{line.label}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={css.drawer}>
        {line.waitsFor ? <p className={css.definition}>This figure waits for {line.waitsFor}.</p> : null}
        {line.description ? <p className={css.definition}>{line.description}</p> : null}
        <SegmentedControl
          size="xs"
          aria-label="Scope"
          value={scope}
          onChange={setScope}
          data={[{ value: "all", label: "All" }, ...segments.map((s) => ({ value: s, label: words(s) }))]}
        />
        <div className={css.drawerTop}>
          <div className={css.fact}>
            <span>{first ? `${day(first.first_day)} to ${day(first.period)}` : `To ${day(until)}`}</span>
            <span className={css.big}>{figure(first?.value, line.unit, currency)}</span>
          </div>
          {first?.interval ? (
            <div className={css.fact}>
              <span>95 % interval</span>
              <span>
                {figure(first.interval[0], line.unit, currency)} to {figure(first.interval[1], line.unit, currency)}
              </span>
            </div>
          ) : null}
          {first && first.denominator !== null ? (
            <div className={css.fact}>
              <span>Made of</span>
              <span>{sides(first.numerator, first.denominator, line.unit)}</span>
            </div>
          ) : null}
          {first && first.median !== null ? (
            <div className={css.fact}>
              <span>Median</span>
              <span>{figure(first.median, line.unit, currency)}</span>
            </div>
          ) : null}
          {first && first.p90 !== null ? (
            <div className={css.fact}>
              <span>90th percentile</span>
              <span>{figure(first.p90, line.unit, currency)}</span>
            </div>
          ) : null}
          <Fresh at={first?.computed_at} />
        </div>
        {held.length > 0 ? (
          <section>
            <h3>
              {held.length > 1
                ? `Targets${held.some((r) => r.conflict) ? " (the sources disagree; both are kept)" : ""}`
                : "Target"}
            </h3>
            <DataTable
              caption="Targets"
              rows={held}
              rowKey={(r) => r.target_id ?? ""}
              cols={[
                { label: "Source", show: (r) => r.source ?? "–" },
                { label: "Status", show: (r) => <StatusBadge status={r.status ?? "no_data"} /> },
                { label: "Baseline", num: true, show: (r) => figure(r.baseline, line.unit, currency) },
                {
                  label: "Expected by now",
                  num: true,
                  show: (r) => (r.expected === null ? "–" : figure(r.expected, line.unit, currency)),
                },
                { label: "Goal", num: true, show: (r) => figure(r.target, line.unit, currency) },
                { label: "By", show: (r) => day(r.deadline) },
              ]}
            />
          </section>
        ) : null}
        <section>
          <h3>History by month</h3>
          <div className={css.controls}>
            <SegmentedControl
              size="xs"
              aria-label="Length"
              value={months}
              onChange={setMonths}
              data={[
                { value: "13", label: "13 months" },
                { value: "25", label: "25 months" },
              ]}
            />
            <SegmentedControl
              size="xs"
              aria-label="Show as"
              value={view}
              onChange={setView}
              data={[
                { value: "chart", label: "Chart" },
                { value: "table", label: "Table" },
              ]}
            />
          </div>
          <Loaded of={series} lines={6}>
            {(data) => {
              if (!data.series.some((s) => s.points.some((p) => p.value !== null)))
                return <Empty title="No history yet">No month has had the events that this figure needs.</Empty>;
              const mine = data.series.find((s) => s.scope === scope)?.points ?? [];
              return view === "chart" ? (
                <Suspense fallback={<Skeleton lines={6} />}>
                  <Trend data={data} scope={scope} currency={currency} label={line.label} />
                </Suspense>
              ) : (
                <DataTable
                  caption={`${line.label} by month`}
                  rows={[...mine].reverse()}
                  rowKey={(p) => p.period}
                  cols={[
                    { label: "Month", show: (p) => day(p.period, "month") },
                    { label: "Value", num: true, show: (p) => figure(p.value, line.unit, currency) },
                    { label: "Made of", num: true, show: (p) => sides(p.numerator, p.denominator, line.unit) ?? "–" },
                    {
                      label: "Target line",
                      num: true,
                      show: (p) => (p.target === null ? "–" : figure(p.target, line.unit, currency)),
                    },
                  ]}
                />
              );
            }}
          </Loaded>
        </section>
        <KpiAccounts line={line} scope={scope} />
      </div>
    </Drawer>
  );
}
