import { Button, Progress } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import type { Import } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { day } from "@/shared/days";
import { bytes, number, seconds } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Drop } from "./Drop";
import css from "./imports.module.css";
import { NewImport } from "./NewImport";
import { importsQuery, uploadsQuery } from "./queries";
import { ImportResult } from "./ImportResult";
import { BackToAll, Upload } from "./Upload";

/** Files that were read, those being read now, and those that wait. */
export function Imports({ upload, file, shown }: { upload?: string; file?: string; shown?: string }) {
  if (upload) return <Upload key={upload} upload={upload} file={file} />;
  if (shown) return <One id={shown} />;
  return <All />;
}

/** What one import did, or how far it is. */
function One({ id }: { id: string }) {
  return (
    <div className={css.stack}>
      <BackToAll />
      <ImportResult id={id} />
    </div>
  );
}

function All() {
  const imports = useQuery(importsQuery);
  const session = useQuery(sessionQuery);
  const role = session.data?.user.role;
  const may = role === "manager" || role === "admin";
  const uploads = useQuery({ ...uploadsQuery, enabled: may }).data?.uploads ?? [];
  /** The upload that an import was begun from, as long as it is there, else the import by itself. */
  const way = ({ id }: Import): { upload?: string; import?: string } => {
    const from = uploads.find((u) => u.imported === id || u.tried === id);
    return from ? { upload: from.id } : { import: id };
  };
  return (
    <div className={css.stack}>
      {may ? (
        <>
          <Drop />
          <Waiting />
        </>
      ) : null}
      {role === "admin" ? (
        <details className={css.more}>
          <summary>A file that lies on the server</summary>
          <NewImport />
        </details>
      ) : null}
      <Loaded of={imports} lines={6}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing has been imported yet" />
          ) : (
            <Panel title="Imports" flush>
              <DataTable
                caption="Imports"
                rows={data.items}
                rowKey={(i) => i.id}
                cols={[
                  {
                    label: "File",
                    show: (i) => (
                      <Link to="/data" search={{ tab: "imports", ...way(i) }} className="mono">
                        {i.path}
                      </Link>
                    ),
                  },
                  {
                    label: "Kind",
                    show: (i) => (
                      <>
                        {i.kind}
                        {i.dry_run ? <span className="dim"> (only tried)</span> : null}
                      </>
                    ),
                  },
                  { label: "State", show: (i) => <State row={i} /> },
                  { label: "Rows", num: true, show: (i) => number(i.rows, 0) },
                  { label: "Imported", num: true, show: (i) => number(i.imported, 0) },
                  { label: "Known already", num: true, show: (i) => number(i.duplicates, 0) },
                  {
                    label: "Rejected",
                    num: true,
                    show: (i) =>
                      i.rejected > 0 ? (
                        <Link to="/data" search={{ tab: "rejects", import: i.id }}>
                          {number(i.rejected, 0)}
                        </Link>
                      ) : (
                        "0"
                      ),
                  },
                  { label: "Left out", num: true, show: (i) => number(i.skipped, 0) },
                  { label: "Started", show: (i) => <Ago at={i.started_at} /> },
                ]}
              />
            </Panel>
          )
        }
      </Loaded>
    </div>
  );
}

/** Uploads that were begun and not imported yet. */
function Waiting() {
  const uploads = useQuery(uploadsQuery);
  const open = uploads.data?.uploads.filter((u) => u.imported === null && u.files.length > 0) ?? [];
  if (open.length === 0) return null;
  return (
    <Panel title="Waiting to be imported" flush>
      <DataTable
        caption="Uploads"
        rows={open}
        rowKey={(u) => u.id}
        cols={[
          {
            label: "Files",
            show: (u) => (
              <Link to="/data" search={{ tab: "imports", upload: u.id }}>
                {u.files
                  .slice(0, 3)
                  .map((f) => f.name)
                  .join(", ")}
                {u.files.length > 3 ? ` and ${u.files.length - 3} more` : ""}
              </Link>
            ),
          },
          { label: "Size", num: true, show: (u) => bytes(u.files.reduce((sum, f) => sum + f.bytes, 0)) },
          { label: "Begun", show: (u) => <Ago at={u.created_at} /> },
          { label: "Kept until", show: (u) => day(u.expires_at) },
        ]}
      />
    </Panel>
  );
}

function State({ row: i }: { row: Import }) {
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => take(api.POST("/api/v1/imports/{id}/cancellation", { params: { path: { id: i.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["imports"] }),
  });
  if (i.state === "failed") return <span className={css.failed}>failed{i.error ? `: ${i.error}` : ""}</span>;
  if (i.state === "cancelled") return <span>stopped; starting it again goes on</span>;
  if (i.state === "done")
    return (
      <span>done in {seconds((Date.parse(i.finished_at ?? i.started_at) - Date.parse(i.started_at)) / 1000)}</span>
    );
  const done = i.bytes_total > 0 ? i.bytes / i.bytes_total : 0;
  return (
    <div className={css.running}>
      <Progress value={done * 100} aria-label={`Import of ${i.path}`} size="sm" />
      <span className="small dim">
        {bytes(i.bytes)} of {bytes(i.bytes_total)}
        {i.rate === null ? "" : `, ${number(i.rate, 0)} rows/s`}
        {i.eta_s === null ? "" : `, about ${seconds(i.eta_s)} left`}
      </span>
      <Button
        size="compact-xs"
        variant="subtle"
        loading={stop.isPending}
        onClick={() => stop.mutate()}
        aria-label={`Stop the import of ${i.path}`}
      >
        Stop
      </Button>
    </div>
  );
}
