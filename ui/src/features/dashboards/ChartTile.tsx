import { BarChart, ScatterChart } from "echarts/charts";
import { use as register } from "echarts/core";
import { useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import Chart, { type Picked } from "@/shared/ui/Chart";
import { chartOption, scatterOption } from "./chartOption";
import { behind } from "./rules";
import type { TileProps } from "./TileCard";

register([BarChart, ScatterChart]);

/** A line, bar, stacked or scatter tile. The same figures stand in its table. */
export default function ChartTile({ tile, page, open }: TileProps) {
  const navigate = useNavigate();
  const build = useCallback(
    () => (tile.kind === "scatter" ? scatterOption(tile, page.currency) : chartOption(tile, page.currency)),
    [tile, page.currency],
  );
  const pick = (point: Picked) => {
    if (tile.kind === "scatter") {
      const groups = [...new Set(tile.points.map((p) => p.segment))];
      const chosen = tile.points.filter((p) => p.segment === groups[point.series])[point.at];
      if (chosen) void navigate({ to: "/accounts/$id", params: { id: chosen.account_id } });
      return;
    }
    const series = tile.series[point.series];
    const at = tile.axis[point.at];
    if (!series || !at) return;
    const place = { tile: tile.id, series: series.key, at: at.key };
    if (behind(page, place)) open(place);
  };
  return (
    <Chart build={build} label={`${tile.title}. The same figures stand in the table view.`} height="100%" pick={pick} />
  );
}
