import { SankeyChart } from "echarts/charts";
import { use as register } from "echarts/core";
import { useCallback } from "react";
import type { FlowStep } from "@/api/types";
import { day } from "@/shared/days";
import { number, words } from "@/shared/format";
import Chart, { color, type Option } from "@/shared/ui/Chart";
import { segmentColor } from "@/shared/ui/Segment";

register([SankeyChart]);

/** The ways between segments as a Sankey diagram. The same counts stand in the table below it. */
export default function FlowChart({ steps }: { steps: FlowStep[] }) {
  const build = useCallback(() => option(steps) as unknown as Option, [steps]);
  return (
    <Chart
      build={build}
      label="Accounts by segment from period to period, with the ways between them. The counts stand in the table."
      height={320}
    />
  );
}

const side = (segment: string | null) => (segment === null ? "Not a customer" : words(segment));

function option(steps: FlowStep[]) {
  const nodes = new Map<string, { name: string; itemStyle: { color: string } }>();
  const node = (at: string, segment: string | null) => {
    const name = `${at}|${segment ?? ""}`;
    nodes.set(name, { name, itemStyle: { color: color(segment === null ? "var(--none)" : segmentColor(segment)) } });
    return name;
  };
  const links = steps.flatMap((s) =>
    s.links.map((l) => ({ source: node(s.from_day, l.from), target: node(s.to_day, l.to), value: l.accounts })),
  );
  const text = (name: string) => {
    const [at, segment] = name.split("|");
    return `${side(segment || null)}, ${day(at)}`;
  };
  type Told = { dataType?: string; name: string; value: number; data: { source?: string; target?: string } };
  return {
    tooltip: {
      renderMode: "richText",
      confine: true,
      formatter: (p: Told) =>
        p.dataType === "edge"
          ? `${text(p.data.source ?? "")} → ${text(p.data.target ?? "")}: ${number(p.value, 0)}`
          : `${text(p.name)}: ${number(p.value, 0)}`,
    },
    series: [
      {
        type: "sankey",
        left: 8,
        right: 110,
        top: 8,
        bottom: 8,
        nodeWidth: 12,
        nodeGap: 10,
        draggable: false,
        data: [...nodes.values()],
        links,
        lineStyle: { color: "gradient", opacity: 0.3 },
        label: {
          color: color("var(--ink)"),
          fontSize: 11,
          formatter: (p: { name: string }) => {
            const [at, segment] = p.name.split("|");
            return at === steps.at(-1)?.to_day ? side(segment || null) : "";
          },
        },
      },
    ],
  };
}
