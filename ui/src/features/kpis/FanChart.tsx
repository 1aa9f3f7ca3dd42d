import { useCallback } from "react";
import type { TargetDetail } from "@/api/types";
import { day } from "@/shared/days";
import { figure } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";
import { fan } from "./targets";

/** The months of a target, the line from its baseline to its goal, and the fan of what may come. */
export default function FanChart({ data, currency }: { data: TargetDetail; currency: string | null }) {
  const build = useCallback((): Option => option(data, currency), [data, currency]);
  return (
    <Chart
      build={build}
      label={`${data.target.label}: the months so far, the target's line, and the forecast to the deadline. The figures stand in words above and in the table beneath.`}
      height={260}
    />
  );
}

function option(data: TargetDetail, currency: string | null): Option {
  const f = fan(data);
  const show = (v: unknown) => figure(typeof v === "number" ? v : null, data.target.unit, currency);
  const quiet = { type: "line" as const, showSymbol: false, silent: true, tooltip: { show: false } };
  const band = (name: string, low: (number | null)[], high: (number | null)[], opacity: number) => [
    {
      ...quiet,
      name: `${name} from`,
      stack: name,
      stackStrategy: "all" as const,
      data: low,
      lineStyle: { opacity: 0 },
      itemStyle: { opacity: 0 },
    },
    {
      ...quiet,
      name,
      stack: name,
      stackStrategy: "all" as const,
      data: high.map((v, i) => {
        const from = low[i];
        return v === null || from === null || from === undefined ? null : v - from;
      }),
      lineStyle: { opacity: 0 },
      itemStyle: { color: color("var(--brand)"), opacity },
      areaStyle: { color: color("var(--brand)"), opacity },
    },
  ];
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: {
      top: 0,
      left: 0,
      itemWidth: 16,
      data: ["Value", "Target line", "Trend", "9 of 10", "Half"],
      textStyle: { color: color("var(--ink-2)"), fontSize: 12 },
    },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: show, confine: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: f.periods.map((p) => day(p, "month")),
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11 },
    },
    yAxis: {
      type: "value",
      scale: true,
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11, formatter: show },
    },
    series: [
      ...band("9 of 10", f.low, f.high, 0.14),
      ...band("Half", f.halfLow, f.halfHigh, 0.22),
      {
        name: "Trend",
        type: "line",
        showSymbol: false,
        data: f.trend,
        lineStyle: { width: 1.5, type: "dotted", color: color("var(--brand)") },
        itemStyle: { color: color("var(--brand)") },
      },
      {
        name: "Target line",
        type: "line",
        showSymbol: false,
        connectNulls: true,
        data: f.target,
        lineStyle: { width: 1.5, type: "dashed", color: color("var(--at-risk)") },
        itemStyle: { color: color("var(--at-risk)") },
      },
      {
        name: "Value",
        type: "line",
        symbolSize: 4,
        connectNulls: false,
        data: f.values,
        lineStyle: { width: 2.4, color: color("var(--brand)") },
        itemStyle: { color: color("var(--brand)") },
      },
    ],
  };
}
