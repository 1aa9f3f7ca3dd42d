import { useComputedColorScheme } from "@mantine/core";
import { LineChart, type LineSeriesOption } from "echarts/charts";
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

register([LineChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

export type Option = ComposeOption<
  LineSeriesOption | GridComponentOption | LegendComponentOption | TooltipComponentOption
>;

/** The present value of a colour of the palette, such as `var(--brand)`. */
export function color(token: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(token)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : token;
}

/** A chart that follows its box and the colour scheme. Loaded only where one is shown. */
export default function Chart({ build, label, height }: { build: () => Option; label: string; height: number }) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    if (!box.current) return;
    const chart = init(box.current, null, { renderer: "svg" });
    chart.setOption({ animationDuration: 200, ...build() });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      chart.dispose();
    };
  }, [build, scheme]);
  return <div ref={box} role="img" aria-label={label} style={{ height, width: "100%" }} />;
}
