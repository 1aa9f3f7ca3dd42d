import { useCallback } from "react";
import type { SeriesAnswer } from "@/api/types";
import { day } from "@/shared/days";
import { figure, words } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";
import { segmentColor } from "@/shared/ui/Segment";
import { isSegment } from "./rules";

type Props = { data: SeriesAnswer; scope: string; currency: string | null; label: string };

/** The months of a KPI: one line per scope, the chosen one strong, its target dashed. */
export default function TrendChart({ data, scope, currency, label }: Props) {
  const build = useCallback((): Option => option(data, scope, currency), [data, scope, currency]);
  return (
    <Chart
      build={build}
      label={`${label}, by month and segment. The same figures stand in the table view.`}
      height={280}
    />
  );
}

function option(data: SeriesAnswer, scope: string, currency: string | null): Option {
  const shown = data.series.filter((s) => s.scope === "all" || isSegment(s.scope));
  const periods = [...new Set(shown.flatMap((s) => s.points.map((p) => p.period)))].sort();
  const show = (v: unknown) => figure(typeof v === "number" ? v : null, data.unit, currency);
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 16, textStyle: { color: color("var(--ink-2)"), fontSize: 12 } },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: show, confine: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: periods.map((p) => day(p, "month")),
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11 },
    },
    yAxis: {
      type: "value",
      scale: true,
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11, formatter: show },
    },
    series: [
      ...shown.map((s) => ({
        name: s.scope === "all" ? "All accounts" : words(s.scope),
        type: "line" as const,
        showSymbol: s.scope === scope,
        symbolSize: 5,
        connectNulls: false,
        data: periods.map((p) => s.points.find((x) => x.period === p)?.value ?? null),
        lineStyle: { width: s.scope === scope ? 2.6 : 1.3, color: color(segmentColor(s.scope)) },
        itemStyle: { color: color(segmentColor(s.scope)) },
        z: s.scope === scope ? 3 : 2,
      })),
      ...shown
        .filter((s) => s.scope === scope && s.points.some((p) => p.target !== null))
        .map((s) => ({
          name: "Target line",
          type: "line" as const,
          showSymbol: false,
          connectNulls: true,
          data: periods.map((p) => s.points.find((x) => x.period === p)?.target ?? null),
          lineStyle: { width: 1.5, type: "dashed" as const, color: color("var(--accent)") },
          itemStyle: { color: color("var(--accent)") },
        })),
    ],
  };
}
