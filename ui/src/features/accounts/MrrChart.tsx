import { useCallback } from "react";
import type { Account } from "@/api/types";
import { day } from "@/shared/days";
import { money } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";
import { mrrSteps } from "./steps";

/** MRR over time as steps: it changes on a day, not between days. */
export default function MrrChart({ account }: { account: Account }) {
  const { mrr_history, currency, as_of } = account;
  const build = useCallback((): Option => {
    const show = (v: unknown) => money(typeof v === "number" ? v : null, currency);
    return {
      grid: { left: 16, right: 16, top: 16, bottom: 8, containLabel: true },
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        valueFormatter: show,
        confine: true,
        axisPointer: { label: { formatter: (p) => day(new Date(Number(p.value)).toISOString()) } },
      },
      xAxis: {
        type: "time",
        axisLabel: { color: color("var(--ink-3)"), fontSize: 11, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        min: 0,
        axisLabel: { color: color("var(--ink-3)"), fontSize: 11, formatter: show },
      },
      series: [
        {
          name: "MRR",
          type: "line",
          step: "end",
          showSymbol: false,
          data: mrrSteps(mrr_history, as_of),
          lineStyle: { width: 2, color: color("var(--brand)") },
          itemStyle: { color: color("var(--brand)") },
          areaStyle: { color: color("var(--brand-soft)"), opacity: 0.6 },
        },
      ],
    };
  }, [mrr_history, currency, as_of]);
  return <Chart build={build} label="MRR over time; the subscriptions below give the same figures." height={150} />;
}
