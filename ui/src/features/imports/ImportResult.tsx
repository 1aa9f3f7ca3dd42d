import { Button, Progress } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import type { Import } from "@/api/types";
import { bytes, number, seconds, sentence, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded } from "@/shared/ui/State";
import css from "./imports.module.css";
import { importQuery } from "./queries";

/** What an import, or a try, did: progress while it runs, counts, the first rejects. */
export function ImportResult({ id }: { id: string }) {
  const it = useQuery(importQuery(id));
  return (
    <Loaded of={it} lines={4}>
      {(i) => (
        <Panel
          title={i.dry_run ? "Result of the try" : "Result of the import"}
          aside={i.finished_at ? <Fresh at={i.finished_at} verb="ended" /> : null}
        >
          <Counts i={i} />
          <PerFile i={i} />
          <FirstRejects i={i} />
        </Panel>
      )}
    </Loaded>
  );
}

function Counts({ i }: { i: Import }) {
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => take(api.POST("/api/v1/imports/{id}/cancellation", { params: { path: { id: i.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["imports"] }),
  });
  const count = (label: string, value: number) => (
    <div>
      <dt>{label}</dt>
      <dd>{number(value, 0)}</dd>
    </div>
  );
  return (
    <>
      <div role="status">
        {i.state === "running" ? (
          <div className={css.running}>
            <Progress
              value={i.bytes_total > 0 ? (i.bytes / i.bytes_total) * 100 : 0}
              aria-label="Progress of the import"
            />
            <span className="dim small">
              {bytes(i.bytes)} of {bytes(i.bytes_total)}
              {i.rate === null ? "" : `, ${number(i.rate, 0)} rows/s`}
              {i.eta_s === null ? "" : `, about ${seconds(i.eta_s)} left`}. You may leave this page.
            </span>
            <Button size="compact-xs" variant="subtle" loading={stop.isPending} onClick={() => stop.mutate()}>
              Stop
            </Button>
          </div>
        ) : (
          <p className={css.verdict}>
            {i.state === "done"
              ? i.dry_run
                ? "Nothing was stored. This is what an import would do."
                : "Done."
              : i.state === "cancelled"
                ? "Stopped. Importing again goes on from here."
                : `It stopped: ${sentence(i.error)}`}{" "}
            {i.note ? sentence(i.note) : ""}
          </p>
        )}
      </div>
      <dl className={css.counts}>
        {count("Rows", i.rows)}
        {count("Imported", i.imported)}
        {count("Known already", i.duplicates)}
        {count("Rejected", i.rejected)}
        {count("Left out", i.skipped)}
      </dl>
    </>
  );
}

function PerFile({ i }: { i: Import }) {
  if (i.files.length < 2) return null;
  return (
    <div className={css.scroll}>
      <DataTable
        caption="Each file"
        rows={i.files}
        rowKey={(f) => f.path}
        cols={[
          { label: "File", show: (f) => <span className="mono">{f.path.split("/").at(-1)}</span> },
          { label: "Rows are", show: (f) => words(f.kind) },
          { label: "Rows", num: true, show: (f) => number(f.rows, 0) },
          { label: "Imported", num: true, show: (f) => number(f.imported, 0) },
          { label: "Known already", num: true, show: (f) => number(f.duplicates, 0) },
          { label: "Rejected", num: true, show: (f) => number(f.rejected, 0) },
          { label: "Note", show: (f) => <span className="dim">{f.note ?? ""}</span> },
        ]}
      />
    </div>
  );
}

function FirstRejects({ i }: { i: Import }) {
  if (i.reject_samples.length === 0) return null;
  return (
    <>
      <div className={css.between}>
        <h3>First rejects</h3>
        {i.dry_run ? (
          <span className="dim small">Correct the map below, or the file, and try again.</span>
        ) : (
          <Link to="/data" search={{ tab: "rejects", import: i.id }}>
            Mend the rejects and replay them
          </Link>
        )}
      </div>
      <div className={css.scroll}>
        <DataTable
          caption="First rejects"
          rows={i.reject_samples}
          rowKey={(r) => `${r.file}:${r.line}`}
          cols={[
            { label: "Where", show: (r) => <span className="mono">{`${r.file}:${r.line}`}</span> },
            { label: "Field", show: (r) => (r.field ? <code>{r.field}</code> : "–") },
            { label: "Value", show: (r) => <span className="mono">{r.value}</span> },
            { label: "Why", show: (r) => sentence(r.reason) },
            { label: "What helps", show: (r) => <span className="dim">{sentence(r.remedy)}</span> },
          ]}
        />
      </div>
    </>
  );
}
