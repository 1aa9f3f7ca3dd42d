import { Button } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Reject } from "@/api/types";
import { number, sentence } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import css from "./imports.module.css";
import { RejectEditor } from "./RejectEditor";
import { rejectsQuery } from "./queries";

/** Rows and events that were refused: where each stood, why, what helps; and the way back in. */
export function Rejects({ importId }: { importId: string | undefined }) {
  const queries = useQueryClient();
  const [mending, setMending] = useState<string | null>(null);
  const pages = useInfiniteQuery(rejectsQuery(importId));
  const replay = useMutation({
    mutationFn: (body: { ids?: string[]; import?: string }) => take(api.POST("/api/v1/rejects/replay", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["rejects"] }),
  });
  return (
    <div className={css.stack}>
      <div role="status">
        {replay.data ? (
          <span>
            {number(replay.data.replayed, 0)} taken in, {number(replay.data.still_rejected, 0)} still rejected
            {replay.data.left > 0 ? `, ${number(replay.data.left, 0)} not tried yet: replay again` : ""}.
          </span>
        ) : null}
        {replay.error ? <Problem inline error={replay.error} /> : null}
      </div>
      <Loaded of={pages} lines={8}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          if (rows.length === 0)
            return (
              <Empty title="Nothing is rejected">
                {importId ? (
                  <Link to="/data" search={{ tab: "rejects" }}>
                    Show the rejects of all sources
                  </Link>
                ) : (
                  "Every row and event that arrived could be read."
                )}
              </Empty>
            );
          const open = rows.find((r) => r.id === mending);
          return (
            <div className={css.stack}>
              {open ? (
                <Panel title="Mend a row">
                  <RejectEditor key={open.id} reject={open} done={() => setMending(null)} />
                </Panel>
              ) : null}
              <Panel
                title={`${number(data.pages[0]?.total ?? rows.length, 0)} rejected`}
                flush
                aside={
                  <div className={css.tools}>
                    {importId ? (
                      <Link to="/data" search={{ tab: "rejects" }}>
                        All sources
                      </Link>
                    ) : null}
                    <Button
                      size="xs"
                      variant="default"
                      loading={replay.isPending}
                      leftSection={<Icon name="refresh" size={14} />}
                      onClick={() => replay.mutate(importId ? { import: importId } : {})}
                    >
                      Replay {importId ? "this import" : "all"}
                    </Button>
                  </div>
                }
              >
                <DataTable
                  caption="Rejected rows"
                  rows={rows}
                  rowKey={(r) => r.id}
                  cols={[
                    { label: "Where", show: (r) => <Where row={r} /> },
                    {
                      label: "Field",
                      show: (r) => (
                        <>
                          {r.field ? <code>{r.field}</code> : "–"}
                          {r.value ? <div className={`dim mono ${css.value}`}>{r.value}</div> : null}
                        </>
                      ),
                    },
                    {
                      label: "Why",
                      show: (r) => (
                        <span>
                          {sentence(r.reason)}
                          <br />
                          <span className="dim">{sentence(r.remedy)}</span>
                        </span>
                      ),
                    },
                    {
                      label: "Record",
                      show: (r) => (
                        <div className={css.cell}>
                          <details>
                            <summary>show</summary>
                            <pre>{r.record}</pre>
                          </details>
                        </div>
                      ),
                    },
                    { label: "When", show: (r) => <Ago at={r.at} /> },
                    {
                      label: "Again",
                      show: (r) => (
                        <div className={css.tools}>
                          <Button
                            size="compact-xs"
                            variant="default"
                            aria-label={`Mend ${r.file ?? r.source} ${r.line ?? ""}`}
                            aria-expanded={mending === r.id}
                            onClick={() => setMending(mending === r.id ? null : r.id)}
                          >
                            Mend
                          </Button>
                          <Button size="compact-xs" variant="subtle" onClick={() => replay.mutate({ ids: [r.id] })}>
                            Replay
                          </Button>
                        </div>
                      ),
                    },
                  ]}
                />
                {pages.hasNextPage ? (
                  <Button
                    m="md"
                    size="xs"
                    variant="default"
                    loading={pages.isFetchingNextPage}
                    onClick={() => void pages.fetchNextPage()}
                  >
                    Show more
                  </Button>
                ) : null}
              </Panel>
            </div>
          );
        }}
      </Loaded>
    </div>
  );
}

function Where({ row }: { row: Reject }) {
  return (
    <span>
      {row.source}
      {row.file ? (
        <>
          <br />
          <span className="mono">
            {row.file}
            {row.line === null ? "" : `:${row.line}`}
          </span>
        </>
      ) : null}
    </span>
  );
}
