import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { VersionDiff } from "@/api/types";
import { instant } from "@/shared/days";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import { Changes } from "./Changes";
import { Diff } from "./Diff";
import css from "./program.module.css";
import { Consequences } from "./Trial";

/** Every version that was applied: compared with another, and brought back when its consequences have been seen. */
export function Versions({ current, mayEdit }: { current: number; mayEdit: boolean }) {
  const queries = useQueryClient();
  const { from, to } = useSearch({ from: "/definitions" });
  const navigate = useNavigate({ from: "/definitions" });
  const [back, setBack] = useState<number | null>(null);
  const [seen, setSeen] = useState(false);
  const versions = useQuery({
    queryKey: ["program", "versions"],
    queryFn: () => take(api.GET("/api/v1/program/versions")),
  });
  const restore = useMutation({
    mutationFn: (version: number) =>
      take(api.POST("/api/v1/program/versions/{version}/restore", { params: { path: { version } } })),
    onSuccess: async () => {
      setBack(null);
      await queries.invalidateQueries();
    },
  });
  const compare = (a: number, b: number) =>
    void navigate({ search: (s) => ({ ...s, view: "versions", from: Math.min(a, b), to: Math.max(a, b) }) });
  return (
    <div className={css.stack}>
      {restore.data ? (
        <p role="status">Version {restore.data.version} is in force. Figures are being computed again.</p>
      ) : null}
      <Loaded of={versions} lines={5}>
        {(data) => (
          <Panel title="Versions" flush>
            <DataTable
              caption="Versions"
              rows={data.versions}
              rowKey={(v) => String(v.version)}
              cols={[
                { label: "Version", show: (v) => <strong>{v.version}</strong> },
                { label: "Applied", show: (v) => instant(v.applied_at) },
                { label: "By", show: (v) => v.applied_by },
                { label: "Why", show: (v) => v.note ?? "–" },
                {
                  label: "Compare",
                  show: (v) => (
                    <span className="nowrap">
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        disabled={v.version === 1}
                        aria-label={`What version ${v.version} changed`}
                        onClick={() => compare(v.version - 1, v.version)}
                      >
                        What it changed
                      </Button>
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        disabled={v.version === current}
                        aria-label={`Version ${v.version} against the one in force`}
                        onClick={() => compare(v.version, current)}
                      >
                        With now
                      </Button>
                    </span>
                  ),
                },
                {
                  label: "Restore",
                  show: (v) =>
                    v.version === current ? (
                      <span className="dim">in force</span>
                    ) : mayEdit ? (
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        aria-label={`Restore version ${v.version}`}
                        onClick={() => setBack(v.version)}
                      >
                        Restore
                      </Button>
                    ) : null,
                },
              ]}
            />
          </Panel>
        )}
      </Loaded>
      {back === null ? null : (
        <>
          {restore.error ? <Problem inline error={restore.error} /> : null}
          <Panel title={`Restore version ${back}`}>
            <div className={css.row}>
              <Button disabled={!seen} loading={restore.isPending} onClick={() => restore.mutate(back)}>
                Apply version {back} again
              </Button>
              <Button variant="default" onClick={() => setBack(null)}>
                Leave it
              </Button>
              {seen ? null : <span className="dim">Its consequences come first.</span>}
            </div>
          </Panel>
          <Consequences version={back} stamp={String(back)} seen={setSeen} />
        </>
      )}
      {from && to ? <Compared from={from} to={to} /> : null}
    </div>
  );
}

function Compared({ from, to }: { from: number; to: number }) {
  const diff = useQuery({
    queryKey: ["program", "diff", from, to],
    queryFn: async () =>
      (await take(api.GET("/api/v1/program/diff", { params: { query: { from, to } } }))) as VersionDiff,
    staleTime: Infinity,
  });
  return (
    <Loaded of={diff} lines={6}>
      {(data) => (
        <Panel title={`From version ${from} to version ${to}`}>
          <Changes changes={data.changes} />
          {data.files.map((f) => (
            <section key={f.file} aria-label={f.file}>
              <h3>
                <code>{f.file}</code>
              </h3>
              <Diff lines={f.lines} label={`Lines of ${f.file}`} />
            </section>
          ))}
        </Panel>
      )}
    </Loaded>
  );
}
