import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { instant } from "@/shared/days";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import { Apply } from "./Apply";
import { programQuery } from "./queries";
import css from "./program.module.css";

/** The definitions in force, every earlier version, and the way back to one. */
export function Program() {
  const queries = useQueryClient();
  const [shown, setShown] = useState<number | null>(null);
  const program = useQuery(programQuery);
  const versions = useQuery({
    queryKey: ["program", "versions"],
    queryFn: () => take(api.GET("/api/v1/program/versions")),
  });
  const restore = useMutation({
    mutationFn: (n: number) =>
      take(api.POST("/api/v1/program/versions/{version}/restore", { params: { path: { version: n } } })),
    // Definitions decide every figure.
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <div className={css.stack}>
      {restore.error ? <Problem inline error={restore.error} /> : null}
      <Loaded of={program} lines={2}>
        {(p) => (
          <Panel
            title={p.title ?? p.program ?? "No program is applied yet"}
            aside={
              p.version === null ? null : (
                <span className="dim">
                  Version {p.version}, applied {instant(p.applied_at)} by {p.applied_by}
                </span>
              )
            }
          >
            Definitions are files, kept wherever you keep your code.{" "}
            {p.currency ? `Currency ${p.currency}, days in ${p.time_zone ?? "UTC"}.` : null}
          </Panel>
        )}
      </Loaded>
      <Apply />
      <Loaded of={versions} lines={4}>
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
                  label: "Files",
                  show: (v) => (
                    <Button
                      size="compact-xs"
                      variant="subtle"
                      aria-expanded={shown === v.version}
                      onClick={() => setShown(shown === v.version ? null : v.version)}
                    >
                      {shown === v.version ? "Hide" : "Show"}
                    </Button>
                  ),
                },
                {
                  label: "Restore",
                  show: (v) =>
                    v.version === program.data?.version ? (
                      <span className="dim">in force</span>
                    ) : (
                      <Restore version={v.version} busy={restore.isPending} run={() => restore.mutate(v.version)} />
                    ),
                },
              ]}
            />
          </Panel>
        )}
      </Loaded>
      {shown === null ? null : <Files version={shown} />}
    </div>
  );
}

function Restore({ version, busy, run }: { version: number; busy: boolean; run: () => void }) {
  const [sure, setSure] = useState(false);
  if (!sure)
    return (
      <Button
        size="compact-xs"
        variant="subtle"
        onClick={() => setSure(true)}
        aria-label={`Restore version ${version}`}
      >
        Restore
      </Button>
    );
  return (
    <span className="nowrap">
      <Button size="compact-xs" loading={busy} onClick={run}>
        Yes, apply {version} again
      </Button>{" "}
      <Button size="compact-xs" variant="subtle" onClick={() => setSure(false)}>
        Cancel
      </Button>
    </span>
  );
}

function Files({ version }: { version: number }) {
  const files = useQuery({
    queryKey: ["program", "export", version],
    queryFn: () => take(api.GET("/api/v1/program/export", { params: { query: { version } } })),
  });
  return (
    <Loaded of={files} lines={6}>
      {(data) => (
        <Panel title={`Files of version ${version}`}>
          {Object.entries(data.files).map(([name, text]) => (
            <details key={name} className={css.file}>
              <summary>
                <code>{name}</code>
              </summary>
              <pre>{text}</pre>
            </details>
          ))}
        </Panel>
      )}
    </Loaded>
  );
}
