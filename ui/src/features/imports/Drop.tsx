import { Button, Progress } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, take } from "@/api/client";
import { bytes, percent } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { Problem } from "@/shared/ui/State";
import css from "./imports.module.css";
import { send } from "./send";

type Sending = { name: string; sent: number; total: number };

/** Where files are dropped or chosen. They go into `upload`, or into a new one, whose page then opens. */
export function Drop({ upload }: { upload?: string }) {
  const navigate = useNavigate({ from: "/data" });
  const queries = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState<Sending[]>([]);
  const sendAll = useMutation({
    mutationFn: async (files: File[]) => {
      const id = upload ?? (await take(api.POST("/api/v1/uploads"))).id;
      setSending(files.map((f) => ({ name: f.name, sent: 0, total: f.size })));
      for (const [at, file] of files.entries()) {
        await send(id, file, (sent, total) =>
          setSending((all) => all.map((s, i) => (i === at ? { ...s, sent, total } : s))),
        );
        await queries.invalidateQueries({ queryKey: ["uploads"] });
      }
      return id;
    },
    onSuccess: (id) => {
      setSending([]);
      void navigate({ search: (s) => ({ ...s, tab: "imports", upload: id }) });
    },
  });
  const busy = sendAll.isPending;
  useEffect(() => {
    if (!busy) return;
    const warn = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [busy]);
  const { mutate } = sendAll;
  const start = (list: FileList | null | undefined) => {
    const files = [...(list ?? [])];
    if (files.length > 0) mutate(files);
  };
  const area = useRef<HTMLElement>(null);
  useEffect(() => {
    const box = area.current;
    if (!box || busy) return;
    const stop = new AbortController();
    const on = (name: "dragover" | "dragleave" | "drop", work: (e: DragEvent) => void) =>
      box.addEventListener(name, work, { signal: stop.signal });
    on("dragover", (e) => {
      e.preventDefault();
      setOver(true);
    });
    on("dragleave", () => setOver(false));
    on("drop", (e) => {
      e.preventDefault();
      setOver(false);
      const files = [...(e.dataTransfer?.files ?? [])];
      if (files.length > 0) mutate(files);
    });
    return () => stop.abort();
  }, [busy, mutate]);
  const sum = sending.reduce((a, s) => ({ sent: a.sent + s.sent, total: a.total + s.total }), { sent: 0, total: 0 });
  return (
    <section
      ref={area}
      aria-label="Files to import"
      className={`${css.drop} ${over ? css.over : ""} ${upload ? css.small : ""}`}
    >
      <input
        ref={field}
        type="file"
        multiple
        className="sr"
        tabIndex={-1}
        aria-label="Files"
        onChange={(e) => {
          start(e.currentTarget.files);
          e.currentTarget.value = "";
        }}
      />
      {busy ? (
        <div className={css.sending} role="status">
          <strong>
            {sending.length === 1 ? sending[0]?.name : `${sending.length} files`}: {bytes(sum.sent)} of{" "}
            {bytes(sum.total)}
          </strong>
          <Progress
            value={sum.total > 0 ? (sum.sent / sum.total) * 100 : 0}
            aria-label={`Upload, ${percent(sum.total > 0 ? sum.sent / sum.total : 0, 0)}`}
          />
          <span className="dim small">
            Keep this page open until the files are up. The import itself goes on without it.
          </span>
        </div>
      ) : (
        <>
          <div>
            <strong>{upload ? "Add files" : "Drop files here"}</strong>
            <div className="dim small">
              CSV, JSON lines, a JSON array or Parquet, also packed with gzip; several at once, or a zip of them.
            </div>
          </div>
          <Button
            variant={upload ? "default" : "filled"}
            size={upload ? "xs" : "sm"}
            leftSection={<Icon name="arrowUp" size={14} />}
            onClick={() => field.current?.click()}
          >
            Choose files
          </Button>
        </>
      )}
      {sendAll.error ? (
        <div className={css.wide}>
          <Problem inline error={sendAll.error} />
          <p className="small dim">Choose the same file again: what came in already is not sent twice.</p>
        </div>
      ) : null}
    </section>
  );
}
