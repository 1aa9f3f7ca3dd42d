/** What every chart looks like before its own option is laid over it. `color` gives the present value of a colour of the palette. */
export function chartTheme(color: (token: string) => string) {
  const grid = { lineStyle: { color: color("var(--grid)") } };
  const label = { color: color("var(--ink-3)"), fontSize: 11 };
  const axis = { axisLine: grid, axisTick: grid, splitLine: grid, axisLabel: label, nameTextStyle: label };
  return {
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: { ...axis, splitLine: { show: false } },
    legend: { textStyle: { color: color("var(--ink-2)"), fontSize: 12 } },
    tooltip: {
      backgroundColor: color("var(--panel)"),
      borderColor: color("var(--line-2)"),
      textStyle: { color: color("var(--ink)"), fontSize: 12 },
      axisPointer: { lineStyle: { color: color("var(--line-2)") } },
    },
  };
}
