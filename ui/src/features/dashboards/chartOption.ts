/** Charts as ECharts wants them described; the colours are those of the palette at the moment of drawing. */
import type { Tile } from "@/api/types";
import { scalar, sides, words } from "@/shared/format";
import { color, type Option } from "@/shared/ui/Chart";
import { segmentColor } from "@/shared/ui/Segment";
import { seriesColor, seriesLabel, show, showShort, tickLabel } from "./rules";

const MANY = 8;

function frame(tile: Tile, currency: string): Pick<Option, "grid" | "legend" | "tooltip"> {
  const legend = tile.kind === "scatter" || tile.series.length > 1 || tile.series.some((s) => s.targets.length > 0);
  return {
    grid: { left: 8, right: 16, top: legend ? 32 : 12, bottom: 4, containLabel: true },
    legend: legend
      ? { type: "scroll", top: 0, left: 0, itemWidth: 14, textStyle: { color: color("var(--ink-2)"), fontSize: 11 } }
      : undefined,
    tooltip: {
      trigger: tile.kind === "scatter" ? "item" : "axis",
      renderMode: "richText",
      confine: true,
      valueFormatter: (v) => show(tile, typeof v === "number" ? v : null, currency),
    },
  };
}

const label = { color: () => color("var(--ink-3)"), fontSize: 11 };

/** Lines, bars and stacks. */
export function chartOption(tile: Tile, currency: string): Option {
  const names = tile.axis.map((_, at) => tickLabel(tile, at));
  const lines = tile.kind === "line";
  // Names of groups need room: a bar of many groups lies on its side.
  const lying = tile.kind === "bar" && !tile.over_time && names.some((n) => n.length > 10) && names.length > 3;
  const category = {
    type: "category" as const,
    boundaryGap: !lines,
    inverse: lying,
    data: names,
    axisLabel: {
      color: label.color(),
      fontSize: label.fontSize,
      hideOverlap: !lying,
      width: lying ? 110 : undefined,
      overflow: "truncate" as const,
    },
    axisTick: { show: false },
  };
  const value = {
    type: "value" as const,
    scale: lines,
    axisLabel: {
      color: label.color(),
      fontSize: label.fontSize,
      hideOverlap: true,
      formatter: (v: number) => showShort(tile, v, currency),
    },
  };
  const main = tile.series.map((s, i) => {
    const tint = color(seriesColor(tile, s, i));
    const name = seriesLabel(tile, s);
    if (lines) {
      return {
        name,
        type: "line" as const,
        showSymbol: names.length <= 40,
        symbolSize: 6,
        connectNulls: false,
        data: s.values,
        lineStyle: { width: 2, color: tint },
        itemStyle: { color: tint },
      };
    }
    return {
      name,
      type: "bar" as const,
      stack: tile.kind === "stacked" ? "all" : undefined,
      barMaxWidth: 36,
      data: s.values,
      itemStyle: { color: tint, borderRadius: tile.kind === "stacked" ? 0 : 2 },
      label:
        tile.kind === "bar" && names.length <= MANY && tile.series.length === 1
          ? {
              show: true,
              position: lying ? ("right" as const) : ("top" as const),
              color: color("var(--ink-2)"),
              fontSize: 11,
              formatter: (p: { value?: unknown }) =>
                typeof p.value === "number" ? showShort(tile, p.value, currency) : "",
            }
          : undefined,
    };
  });
  // Extra lines come after the series themselves, so that a point's series number is that of the tile.
  const extra = tile.series.flatMap((s, i) => {
    const tint = color(seriesColor(tile, s, i));
    const many = tile.series.length > 1;
    const dashed = (name: string, data: (number | null)[], to: string, kind: "dashed" | "dotted") => ({
      name,
      type: "line" as const,
      showSymbol: false,
      silent: true,
      connectNulls: true,
      data,
      lineStyle: { width: 1.5, type: kind, color: to },
      itemStyle: { color: to },
    });
    return [
      ...(s.targets.length > 0 && !lying
        ? [
            dashed(
              many ? `Target, ${seriesLabel(tile, s)}` : "Target line",
              s.targets,
              many ? tint : color("var(--accent)"),
              "dashed",
            ),
          ]
        : []),
      ...(s.before.some((v) => v !== null)
        ? [dashed(many ? `Before, ${seriesLabel(tile, s)}` : "Before", s.before, color("var(--ink-3)"), "dotted")]
        : []),
    ];
  });
  return {
    ...frame(tile, currency),
    xAxis: lying ? value : category,
    yAxis: lying ? category : value,
    series: [...main, ...extra],
  };
}

/** One point for each account, coloured by segment. */
export function scatterOption(tile: Tile, currency: string): Option {
  const [x, y, size] = tile.axes;
  const groups = [...new Set(tile.points.map((p) => p.segment))];
  const largest = Math.max(1, ...tile.points.map((p) => p.size ?? 0));
  const axis = (column: typeof x) => ({
    type: "value" as const,
    scale: true,
    name: column?.label ?? "",
    nameLocation: "middle" as const,
    nameGap: 24,
    nameTextStyle: { color: label.color(), fontSize: 11 },
    axisLabel: {
      color: label.color(),
      fontSize: label.fontSize,
      hideOverlap: true,
      formatter: (v: number) => scalar(v, column?.unit, currency),
    },
  });
  return {
    ...frame(tile, currency),
    grid: { left: 24, right: 16, top: 32, bottom: 24, containLabel: true },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      formatter: (p) => {
        const one = Array.isArray(p) ? p[0] : p;
        const point = tile.points.find((q) => q.account_id === one?.name);
        if (!point) return "";
        const rest = size ? `\n${size.label}: ${scalar(point.size, size.unit, currency)}` : "";
        return `${point.name}\n${x?.label ?? ""}: ${scalar(point.x, x?.unit, currency)}\n${y?.label ?? ""}: ${scalar(point.y, y?.unit, currency)}${rest}`;
      },
    },
    xAxis: axis(x),
    yAxis: { ...axis(y), nameGap: 44 },
    series: groups.map((g) => ({
      name: g ? words(g) : "Unclassified",
      type: "scatter" as const,
      data: tile.points
        .filter((p) => p.segment === g)
        .map((p) => ({
          name: p.account_id,
          value: [p.x, p.y],
          symbolSize: size && p.size !== null ? 5 + 19 * Math.sqrt(Math.max(0, p.size) / largest) : 7,
        })),
      itemStyle: { color: color(segmentColor(g || "unclassified")), opacity: 0.7 },
    })),
  };
}

/** What a point of a series is made of, in words. */
export function madeOf(tile: Tile, series: number, at: number): string | null {
  const s = tile.series[series];
  return s ? sides(s.numerators[at] ?? null, s.denominators[at] ?? null, tile.unit ?? "number") : null;
}
