import { Button, Checkbox, Menu } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import type { Upload as UploadItem, UploadFile } from "@/api/types";
import { day } from "@/shared/days";
import { bytes, number, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { Drop } from "./Drop";
import { ImportResult } from "./ImportResult";
import css from "./imports.module.css";
import { FileMap } from "./FileMap";
import { uploadQuery } from "./queries";

/** The way from one import to all. */
export function BackToAll() {
  return (
    <nav aria-label="Way back">
      <Link to="/data" search={{ tab: "imports" }}>
        ← All imports
      </Link>
    </nav>
  );
}

/** An upload: its files, how each is read, trying them, and importing them. */
export function Upload({ upload, file }: { upload: string; file: string | undefined }) {
  const it = useQuery(uploadQuery(upload));
  return (
    <div className={css.stack}>
      <BackToAll />
      <Loaded of={it} lines={6}>
        {(data) => <Files it={data} chosen={file} />}
      </Loaded>
    </div>
  );
}

function Files({ it, chosen }: { it: UploadItem; chosen: string | undefined }) {
  const queries = useQueryClient();
  const navigate = useNavigate({ from: "/data" });
  const shown = it.files.find((f) => f.id === chosen) ?? it.files.find((f) => f.state === "ready");
  const ready = it.files.filter((f) => f.included && f.state === "ready");
  const waiting = it.files.some((f) => f.included && f.state !== "ready");
  const fresh = () => queries.invalidateQueries({ queryKey: ["uploads", it.id] });
  const start = useMutation({
    mutationFn: (dry_run: boolean) =>
      take(
        api.POST("/api/v1/uploads/{upload}/imports", {
          params: { path: { upload: it.id } },
          body: { dry_run, force: false },
        }),
      ),
    onSuccess: async (started) => {
      queries.setQueryData(["imports", started.id], started);
      await Promise.all([fresh(), queries.invalidateQueries({ queryKey: ["imports"], exact: true })]);
    },
  });
  const discard = useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/uploads/{upload}", { params: { path: { upload: it.id } } })),
    onSuccess: async () => {
      await navigate({ search: { tab: "imports" } });
      await queries.invalidateQueries({ queryKey: ["uploads"], exact: true });
    },
  });
  const latest = start.data?.id ?? it.imported ?? it.tried;
  const done = it.imported_state === "done";
  return (
    <>
      <Panel
        title={it.files.length === 1 ? "1 file" : `${number(it.files.length, 0)} files`}
        flush
        aside={
          <div className={css.tools}>
            <span className="dim small">Kept until {day(it.expires_at)}</span>
            <Button
              size="xs"
              variant="default"
              loading={start.isPending && start.variables}
              disabled={ready.length === 0 || waiting}
              onClick={() => start.mutate(true)}
            >
              Try without storing
            </Button>
            <Button
              size="xs"
              loading={start.isPending && !start.variables}
              disabled={ready.length === 0 || waiting}
              onClick={() => start.mutate(false)}
            >
              {done ? "Import again" : `Import ${ready.length === 1 ? "the file" : `${ready.length} files`}`}
            </Button>
            <Menu position="bottom-end" withinPortal>
              <Menu.Target>
                <Button size="xs" variant="subtle" aria-label="More">
                  …
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => discard.mutate()}>Discard this upload</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </div>
        }
      >
        {it.files.length === 0 ? (
          <Empty title="No file yet">Add the files that are to be imported together.</Empty>
        ) : (
          <DataTable
            caption="Files of the upload"
            rows={it.files}
            rowKey={(f) => f.id}
            cols={[
              { label: "File", show: (f) => <FileName file={f} upload={it.id} current={f.id === shown?.id} /> },
              { label: "Rows are", show: (f) => (f.kind ? words(f.kind) : "–") },
              { label: "State", show: (f) => <FileState file={f} /> },
              { label: "Size", num: true, show: (f) => bytes(f.bytes) },
              { label: "Import", show: (f) => <Included file={f} upload={it.id} /> },
            ]}
          />
        )}
      </Panel>
      <Drop upload={it.id} />
      {start.error ? <Problem inline error={start.error} /> : null}
      {discard.error ? <Problem inline error={discard.error} /> : null}
      {latest ? <ImportResult id={latest} /> : null}
      {shown ? <FileMap key={shown.id} upload={it.id} file={shown.id} /> : null}
    </>
  );
}

function FileName({ file, upload, current }: { file: UploadFile; upload: string; current: boolean }) {
  const name = <span className="mono">{file.name}</span>;
  if (file.state !== "ready") return name;
  return (
    <>
      <Link to="/data" search={{ tab: "imports", upload, file: file.id }} aria-current={current ? "true" : undefined}>
        {current ? <strong>{name}</strong> : name}
      </Link>
      {file.inside ? <div className="dim small">{file.inside}</div> : null}
    </>
  );
}

function FileState({ file }: { file: UploadFile }) {
  if (file.state === "refused") return <span className={css.failed}>{file.note ?? "cannot be used"}</span>;
  if (file.state === "unpacking") return <span role="status">being unpacked…</span>;
  if (file.state === "receiving")
    return (
      <span>
        {bytes(file.received)} of {bytes(file.bytes)} came; when it stays so, choose the file again to go on
      </span>
    );
  return (
    <span className={css.ok}>
      <Icon name="check" size={14} /> {file.remembered ? "mapped as the last file with this header" : "mapped"}
    </span>
  );
}

function Included({ file, upload }: { file: UploadFile; upload: string }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (included: boolean) =>
      take(
        api.PATCH("/api/v1/uploads/{upload}/files/{file}", {
          params: { path: { upload, file: file.id } },
          body: { version: file.version, included },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["uploads", upload] }),
  });
  const remove = useMutation({
    mutationFn: () =>
      take(api.DELETE("/api/v1/uploads/{upload}/files/{file}", { params: { path: { upload, file: file.id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["uploads", upload] }),
  });
  return (
    <div className={css.tools}>
      {file.state === "ready" ? (
        <Checkbox
          size="xs"
          aria-label={`Import ${file.name}`}
          checked={file.included}
          disabled={change.isPending}
          onChange={(e) => change.mutate(e.currentTarget.checked)}
        />
      ) : null}
      <Button
        size="compact-xs"
        variant="subtle"
        aria-label={`Take ${file.name} out`}
        loading={remove.isPending}
        disabled={file.state === "unpacking"}
        onClick={() => remove.mutate()}
      >
        Take out
      </Button>
    </div>
  );
}
