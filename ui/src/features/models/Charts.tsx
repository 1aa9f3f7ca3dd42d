import { lazy, Suspense, useCallback } from "react";
import { percent } from "@/shared/format";
import { Skeleton } from "@/shared/ui/State";
import { color, type Option } from "@/shared/ui/Chart";
import type { Method, Report } from "./queries";

const Chart = lazy(() => import("@/shared/ui/Chart"));

const frame = { left: 44, right: 12, top: 28, bottom: 28 };

/** Probability told against share that happened; on the diagonal both are the same. */
export function Calibration({ method }: { method: Method }) {
  const build = useCallback((): Option => {
    // To the next five percent, so that the last label of an axis does not lie on the one before.
    const far = Math.max(0.05, ...method.calibration.map((bin) => Math.max(bin.predicted, bin.observed)));
    const most = Math.ceil(far * 20 - 1e-9) / 20;
    const ink = color("var(--ink-2)");
    return {
      grid: frame,
      tooltip: { trigger: "axis" },
      xAxis: { type: "value", min: 0, max: most, axisLabel: { color: ink, formatter: (v: number) => percent(v, 0) } },
      yAxis: { type: "value", min: 0, max: most, axisLabel: { color: ink, formatter: (v: number) => percent(v, 0) } },
      series: [
        {
          name: "Exactly as told",
          type: "line",
          symbol: "none",
          lineStyle: { type: "dashed", color: color("var(--line-2)") },
          data: [
            [0, 0],
            [most, most],
          ],
        },
        {
          name: "What happened",
          type: "line",
          itemStyle: { color: color("var(--brand)") },
          data: method.calibration.map((bin) => [bin.predicted, bin.observed]),
        },
      ],
    };
  }, [method]);
  return (
    <Suspense fallback={<Skeleton lines={6} />}>
      <Chart
        build={build}
        height={240}
        label={`Calibration of ${method.label}: ${method.calibration
          .map((bin) => `told ${percent(bin.predicted)}, happened ${percent(bin.observed)}`)
          .join("; ")}`}
      />
    </Suspense>
  );
}

/** The AUC of each cutoff, by method. */
export function Months({ report, ids }: { report: Report; ids: string[] }) {
  const build = useCallback((): Option => {
    const colors = ["var(--brand)", "var(--met)", "var(--ink-3)"].map(color);
    const value = (month: Report["months"][number], id: string) =>
      month.auc.find((part) => part.method === id)?.auc.value ?? null;
    return {
      grid: { ...frame, bottom: 44 },
      tooltip: { trigger: "axis" },
      legend: { bottom: 0, textStyle: { color: color("var(--ink-2)") } },
      xAxis: { type: "category", data: report.months.map((m) => m.name), axisLabel: { color: color("var(--ink-2)") } },
      yAxis: { type: "value", min: 0.4, max: 1, axisLabel: { color: color("var(--ink-2)") } },
      series: ids.map((id, at) => ({
        name: report.methods.find((method) => method.id === id)?.label ?? id,
        type: "line" as const,
        itemStyle: { color: colors[at % colors.length] },
        data: report.months.map((month) => value(month, id)),
      })),
    };
  }, [report, ids]);
  return (
    <Suspense fallback={<Skeleton lines={6} />}>
      <Chart build={build} height={260} label="AUC by cutoff; the table below has the same figures" />
    </Suspense>
  );
}
