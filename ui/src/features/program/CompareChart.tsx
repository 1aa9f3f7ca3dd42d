import { Select } from "@mantine/core";
import { useCallback, useState } from "react";
import type { TrialKpi } from "@/api/types";
import { day } from "@/shared/days";
import { figure, words } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";

/** The history of one KPI as it is, dashed, and as it would be. */
export default function CompareChart({ kpi, currency }: { kpi: TrialKpi; currency: string | null }) {
  const [wanted, setScope] = useState<string | null>(null);
  const differs = (s: TrialKpi["scopes"][number]) => s.points.some((p) => p.before !== p.after);
  const scope = kpi.scopes.find((s) => s.scope === wanted) ?? kpi.scopes.find(differs) ?? kpi.scopes[0];
  const build = useCallback((): Option => option(kpi, scope?.scope ?? "all", currency), [kpi, scope, currency]);
  const name = (s: string) => (s === "all" ? "All accounts" : words(s));
  return (
    <div>
      <Select
        size="xs"
        w={220}
        label="Accounts"
        allowDeselect={false}
        data={kpi.scopes.map((s) => ({ value: s.scope, label: name(s.scope) }))}
        value={scope?.scope ?? null}
        onChange={setScope}
      />
      <Chart
        build={build}
        height={260}
        label={`${kpi.label} of ${name(scope?.scope ?? "all")}, month by month, before and after the change.`}
      />
    </div>
  );
}

function option(kpi: TrialKpi, scope: string, currency: string | null): Option {
  const points = kpi.scopes.find((s) => s.scope === scope)?.points ?? [];
  const show = (v: unknown) => figure(typeof v === "number" ? v : null, kpi.unit, currency);
  const line = (name: string, token: string, dashed: boolean, data: (number | null)[]) => ({
    name,
    type: "line" as const,
    showSymbol: false,
    data,
    lineStyle: {
      width: dashed ? 1.6 : 2.6,
      type: dashed ? ("dashed" as const) : ("solid" as const),
      color: color(token),
    },
    itemStyle: { color: color(token) },
  });
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 24, textStyle: { color: color("var(--ink-2)"), fontSize: 12 } },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: show, confine: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: points.map((p) => day(p.period, "month")),
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11 },
    },
    yAxis: {
      type: "value",
      scale: true,
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11, formatter: show },
    },
    series: [
      line(
        "Before",
        "var(--ink-3)",
        true,
        points.map((p) => p.before),
      ),
      line(
        "After",
        "var(--brand)",
        false,
        points.map((p) => p.after),
      ),
    ],
  };
}
