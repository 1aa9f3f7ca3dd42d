import { useCallback } from "react";
import type { Membership } from "@/api/types";
import { day } from "@/shared/days";
import { number, words } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";
import { segmentColor } from "@/shared/ui/Segment";

/** The size of each segment, one above the other. */
export default function HistoryChart({ data, segments }: { data: Membership; segments: string[] }) {
  const build = useCallback((): Option => option(data, segments), [data, segments]);
  return (
    <Chart build={build} label="Active accounts by segment over time. The counts stand in the table." height={280} />
  );
}

function option(data: Membership, segments: string[]): Option {
  const show = (v: unknown) => (typeof v === "number" ? number(v, 0) : "");
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 16, textStyle: { color: color("var(--ink-2)"), fontSize: 12 } },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: show, confine: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: data.points.map((p) => day(p.day, data.grain === "month" ? "month" : "short")),
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11 },
    },
    yAxis: {
      type: "value",
      axisLabel: { color: color("var(--ink-3)"), fontSize: 11, formatter: show },
    },
    series: segments.map((segment) => ({
      name: words(segment),
      type: "line" as const,
      stack: "all",
      showSymbol: false,
      areaStyle: { opacity: 0.55, color: color(segmentColor(segment)) },
      lineStyle: { width: 1, color: color(segmentColor(segment)) },
      itemStyle: { color: color(segmentColor(segment)) },
      data: data.points.map((p) => p.segments.find((s) => s.segment === segment)?.accounts ?? 0),
    })),
  };
}
