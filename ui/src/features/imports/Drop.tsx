import { Button, Progress } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { bytes, percent } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import css from "./imports.module.css";
import { sendAll, useSendings } from "./sending";

/** Where files are dropped or chosen. They go into `upload`, or into a new one, whose page then opens. */
export function Drop({ upload }: { upload?: string }) {
  const navigate = useNavigate();
  const router = useRouter();
  const queries = useQueryClient();
  const field = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLElement>(null);
  const [over, setOver] = useState(false);
  // On the list of all imports everything that is on its way is shown, on the page of one only its own.
  const mine = useSendings().filter((s) => upload === undefined || s.upload === upload);
  const sending = mine.filter((s) => !s.error).flatMap((s) => s.files);
  const failed = mine.find((s) => s.error);
  const busy = sending.length > 0;
  const start = async (files: File[]) => {
    if (files.length === 0) return;
    const id = await sendAll(files, upload ?? null, () => queries.invalidateQueries({ queryKey: ["uploads"] }));
    if (id === null || upload !== undefined) return;
    // Whoever went elsewhere in the meantime stays there.
    const { pathname, search } = router.state.location;
    const there = search as { tab?: string; upload?: string };
    if (pathname === "/data" && there.tab === "imports" && (there.upload ?? id) === id)
      void navigate({ to: "/data", search: { tab: "imports", upload: id } });
    else
      toast(`${files.length === 1 ? (files[0]?.name ?? "The file") : `${files.length} files`} came in: Data, Imports.`);
  };
  const latest = useRef(start);
  useEffect(() => {
    latest.current = start;
  });
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
      void latest.current([...(e.dataTransfer?.files ?? [])]);
    });
    return () => stop.abort();
  }, [busy]);
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
          // The list is emptied with the field.
          const chosen = [...(e.currentTarget.files ?? [])];
          e.currentTarget.value = "";
          void start(chosen);
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
            You may go to other pages; keep this window open until the files are up. The import itself goes on without
            it.
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
      {failed?.error ? (
        <div className={css.wide}>
          <Problem inline error={failed.error} />
          <p className="small dim">Choose the same file again: what came in already is not sent twice.</p>
        </div>
      ) : null}
    </section>
  );
}
