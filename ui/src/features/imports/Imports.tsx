import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Import } from "@/api/types";
import { bytes, number, seconds } from "@/shared/format";
import { useNow } from "@/shared/now";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import css from "./imports.module.css";
import { NewImport } from "./NewImport";
import { importsQuery } from "./queries";

/** Files that were read, and those being read now. */
export function Imports() {
  const imports = useQuery(importsQuery);
  return (
    <div className={css.stack}>
      <NewImport />
      <Loaded of={imports} lines={6}>
        {(data) => data.imports.length === 0 ? <Empty title="Nothing has been imported yet" /> : (
          <Panel title="Imports" flush>
            <DataTable caption="Imports" rows={data.imports} rowKey={(i) => i.id} cols={[
              { label: "File", show: (i) => <span className="mono">{i.path}</span> },
              { label: "Kind", show: (i) => i.kind },
              { label: "State", show: (i) => <State row={i} /> },
              { label: "Rows", num: true, show: (i) => number(i.rows, 0) },
              { label: "Imported", num: true, show: (i) => number(i.imported, 0) },
              { label: "Known already", num: true, show: (i) => number(i.duplicates, 0) },
              { label: "Rejected", num: true, show: (i) => (i.rejected > 0 ? <Link to="/data" search={{ tab: "rejects", import: i.id }}>{number(i.rejected, 0)}</Link> : "0") },
              { label: "Started", show: (i) => <Ago at={i.started_at} /> },
            ]} />
          </Panel>
        )}
      </Loaded>
    </div>
  );
}

function State({ row: i }: { row: Import }) {
  const now = useNow();
  if (i.state === "failed") return <span className={css.failed}>failed{i.error ? `: ${i.error}` : ""}</span>;
  if (i.state === "done") return <span>done in {seconds((Date.parse(i.finished_at ?? i.started_at) - Date.parse(i.started_at)) / 1000)}</span>;
  const done = i.bytes_total > 0 ? i.bytes / i.bytes_total : 0;
  const passed = Math.max(1, (now - Date.parse(i.started_at)) / 1000);
  const left = done > 0.01 ? (passed / done) * (1 - done) : null;
  return (
    <div className={css.running}>
      <Progress value={done * 100} aria-label={`Import of ${i.path}`} size="sm" />
      <span className="small dim">{bytes(i.bytes)} of {bytes(i.bytes_total)}{left === null ? "" : `, about ${seconds(left)} left`}</span>
    </div>
  );
}
