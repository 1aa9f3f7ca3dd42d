import { Scroll } from "@/features/dashboards/Scroll";
import { day } from "@/shared/days";
import { number } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import type { Report } from "./queries";
import { withInterval } from "./rules";

const shown = (report: Report) => {
  const ids = [report.main, "transparent", "baseline"];
  return ids.filter((id, at) => ids.indexOf(id) === at && report.methods.some((method) => method.id === id));
};
const label = (report: Report, id: string) => report.methods.find((method) => method.id === id)?.label ?? id;

/** The AUC of each cutoff, in figures. */
export function MonthTable({ report }: { report: Report }) {
  return (
    <Scroll label="AUC by cutoff">
      <DataTable
        caption="AUC by cutoff"
        rows={[...report.months].reverse()}
        rowKey={(m) => m.name}
        cols={[
          { label: "Cutoff", show: (m) => <span className="nowrap">{day(m.name)}</span> },
          { label: "Accounts", num: true, show: (m) => number(m.rows, 0) },
          { label: "Outcomes", num: true, show: (m) => number(m.positives, 0) },
          { label: "Not passed yet", num: true, show: (m) => number(m.censored, 0) },
          ...shown(report).map((id) => ({
            label: label(report, id),
            num: true,
            show: (m: Report["months"][number]) => withInterval(m.auc.find((part) => part.method === id)?.auc, 2),
          })),
        ]}
      />
    </Scroll>
  );
}

/** The AUC within each segment. */
export function Segments({ report }: { report: Report }) {
  return (
    <Panel title="By segment on the cutoff" flush>
      <DataTable
        caption="AUC by segment"
        rows={report.segments}
        rowKey={(s) => s.name}
        cols={[
          { label: "Segment", show: (s) => <SegmentChip id={s.name} /> },
          { label: "Rows", num: true, show: (s) => number(s.rows, 0) },
          { label: "Outcomes", num: true, show: (s) => number(s.positives, 0) },
          ...shown(report).map((id) => ({
            label: label(report, id),
            num: true,
            show: (s: Report["segments"][number]) => withInterval(s.auc.find((part) => part.method === id)?.auc, 2),
          })),
        ]}
      />
    </Panel>
  );
}

/** Every method's figures. */
export function Methods({ report }: { report: Report }) {
  return (
    <Panel title="All methods" flush>
      <DataTable
        caption="Methods"
        rows={report.methods}
        rowKey={(m) => m.id}
        cols={[
          { label: "Method", show: (m) => m.label },
          { label: "AUC", num: true, show: (m) => withInterval(m.auc) },
          { label: "", show: (m) => <span title={m.reason}>{m.proven ? "proven" : "not proven"}</span> },
          { label: "Top tenth", num: true, show: (m) => (m.lift_10 ? `${number(m.lift_10.lift)} ×` : "–") },
          { label: "PR-AUC", num: true, show: (m) => number(m.pr_auc, 3) },
          { label: "Brier", num: true, show: (m) => number(m.brier, 4) },
          { label: "ECE", num: true, show: (m) => number(m.ece, 3) },
          { label: "Rows", num: true, show: (m) => number(m.rows, 0) },
        ]}
      />
    </Panel>
  );
}
