import { expect, it } from "vitest";
import { chartTheme } from "./chartTheme";

it("draws every grid and axis in the one colour of grids", () => {
  const theme = chartTheme((token) => token);
  for (const axis of [theme.categoryAxis, theme.valueAxis])
    for (const line of [axis.axisLine, axis.axisTick, axis.splitLine]) expect(line.lineStyle.color).toBe("var(--grid)");
  expect(theme.timeAxis.axisLine.lineStyle.color).toBe("var(--grid)");
});

it("is not overruled by a chart of its own", () => {
  const sources = import.meta.glob<string>("../../features/**/*.{ts,tsx}", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  expect(Object.keys(sources).length).toBeGreaterThan(100);
  const own = Object.entries(sources)
    .filter(([, text]) => /splitLine|axisLine/.test(text))
    .map(([file]) => file);
  expect(own).toEqual([]);
});
