import { useComputedColorScheme } from "@mantine/core";
import { LineChart, type BarSeriesOption, type LineSeriesOption, type ScatterSeriesOption } from "echarts/charts";
import {
  GridComponent,
  LegendComponent,
  TooltipComponent,
  type GridComponentOption,
  type LegendComponentOption,
  type TooltipComponentOption,
} from "echarts/components";
import { init, use as register, type ComposeOption } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { chartTheme } from "./chartTheme";

register([LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

export type Option = ComposeOption<
  | LineSeriesOption
  | BarSeriesOption
  | ScatterSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TooltipComponentOption
>;

/** A point that somebody chose: the number of its series and its place in it. */
export type Picked = { series: number; at: number };

/** The present value of a colour of the palette, such as `var(--brand)`. */
export function color(token: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(token)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : token;
}

type Props = {
  build: () => Option;
  label: string;
  height: number | string;
  pick?: (point: Picked) => void;
};

/** A chart that follows its box and the colour scheme. Loaded only where one is shown. */
export default function Chart({ build, label, height, pick }: Props) {
  const picked = useRef(pick);
  useEffect(() => {
    picked.current = pick;
  });
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, chartTheme(color), { renderer: "svg" });
    chart.setOption({
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 200,
      ...build(),
    });
    chart.on("click", (e) => picked.current?.({ series: e.seriesIndex ?? 0, at: e.dataIndex }));
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [build, scheme]);
  return <div ref={box} role="img" aria-label={label} style={{ height, width: "100%" }} />;
}
