import { Button, Progress } from "@mantine/core";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, lazy, useEffect, useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { Trial, TrialKpi } from "@/api/types";
import { programQuery } from "./queries";
import { Moves } from "@/features/segments/Preview";
import { figure, number, sentence, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Problem, Skeleton } from "@/shared/ui/State";
import { Changes } from "./Changes";
import css from "./program.module.css";

const CompareChart = lazy(() => import("./CompareChart"));

/** The reader's newest trial, asked again while it works. */
const trialQuery = queryOptions({
  queryKey: ["program", "trial"],
  queryFn: async () => (await take(api.GET("/api/v1/program/preview"))) as Trial,
  refetchInterval: (query) => (query.state.data?.state === "running" ? 400 : false),
  retry: false,
  staleTime: 0,
});

/** Starts a trial of the drafts, or of an earlier version, and follows it. */
export function useTrial(what: { version?: number }) {
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: async () => (await take(api.POST("/api/v1/program/preview", { body: what }))) as Trial,
    onSuccess: (trial) => queries.setQueryData(trialQuery.queryKey, trial),
  });
  const trial = useQuery({ ...trialQuery, enabled: start.data !== undefined });
  const cancel = useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/program/preview")),
    onSuccess: () => queries.invalidateQueries({ queryKey: trialQuery.queryKey }),
  });
  const mine = trial.data && trial.data.id === start.data?.id ? trial.data : start.data;
  return { start, cancel, trial: mine, error: start.error ?? trial.error };
}

/** Starts the trial as soon as it is shown, and again when what it tries has changed. */
export function Consequences({
  version,
  stamp,
  seen,
}: {
  version?: number;
  stamp: string;
  seen: (done: boolean) => void;
}) {
  const { start, cancel, trial, error } = useTrial({ version });
  const { mutate } = start;
  useEffect(() => mutate(), [mutate, stamp]);
  const done = trial?.state === "done";
  useEffect(() => seen(done), [done, seen]);
  const program = useQuery(programQuery);
  if (error instanceof ApiProblem && error.status !== 404) return <Problem error={error} retry={() => mutate()} />;
  if (!trial) return <Skeleton lines={6} />;
  const share = trial.total === 0 ? (done ? 100 : 5) : (100 * trial.done) / trial.total;
  const currency = program.data?.currency ?? null;
  return (
    <>
      <Panel title="What this would change">
        {trial.state === "running" ? (
          <div className={css.progress} role="status">
            <Progress value={share} aria-label="How far the figures are computed" animated />
            <span>
              {trial.done} of {trial.total || "…"}: {trial.step || "beginning"}
            </span>
            <Button size="compact-xs" variant="default" onClick={() => cancel.mutate()}>
              Stop
            </Button>
          </div>
        ) : (
          <p role="status" className="dim">
            {done
              ? `Computed over all history in ${number(trial.took_ms / 1000, 1)} s.`
              : trial.state === "cancelled"
                ? "Stopped. "
                : `It failed: ${trial.error ?? ""}. `}
            {done ? null : (
              <Button size="compact-xs" variant="default" onClick={() => mutate()}>
                Compute it again
              </Button>
            )}
          </p>
        )}
        {trial.doubts.map((d) => (
          <p key={`${d.what} ${d.id}`} role="alert" className={css.odd}>
            <Icon name="warning" size={14} /> {sentence(d.problem)} <strong>{sentence(d.remedy)}</strong>
          </p>
        ))}
        <Changes changes={trial.changes} />
      </Panel>
      {trial.segments ? (
        <Panel title="Accounts that move">
          <Moves answer={trial.segments} currency={currency} />
        </Panel>
      ) : null}
      {trial.kpis.length > 0 || trial.state === "running" ? (
        <Panel title="Figures, before and after">
          <Kpis list={trial.kpis} currency={currency} running={trial.state === "running"} />
        </Panel>
      ) : null}
    </>
  );
}

function Kpis({ list, currency, running }: { list: TrialKpi[]; currency: string | null; running: boolean }) {
  const [open, setOpen] = useState<string | null>(null);
  const differ = list.filter((k) => k.differs);
  const chosen = differ.find((k) => k.kpi === open) ?? differ[0];
  const same = list.length - differ.length;
  const last = (k: TrialKpi, side: "before" | "after") =>
    k.scopes.find((s) => s.scope === "all")?.points.at(-1)?.[side];
  if (list.length === 0) return <Skeleton lines={4} />;
  return (
    <>
      {differ.length === 0 ? (
        <Empty title={running ? "Nothing differs so far" : "No figure would be another"} />
      ) : (
        <DataTable
          caption="Figures that change"
          rows={differ}
          rowKey={(k) => k.kpi}
          cols={[
            {
              label: "KPI",
              show: (k) => (
                <Button
                  size="compact-xs"
                  variant={k === chosen ? "light" : "subtle"}
                  aria-pressed={k === chosen}
                  onClick={() => setOpen(k.kpi)}
                >
                  {k.label}
                </Button>
              ),
            },
            { label: "How", show: (k) => k.kind },
            { label: "Today, before", num: true, show: (k) => figure(last(k, "before"), k.unit, currency) },
            { label: "Today, after", num: true, show: (k) => figure(last(k, "after"), k.unit, currency) },
            {
              label: "Where it differs",
              show: (k) =>
                k.scopes
                  .filter((s) => s.points.some((p) => p.before !== p.after))
                  .map((s) => (s.scope === "all" ? "all accounts" : words(s.scope)))
                  .join(", ") || "–",
            },
          ]}
        />
      )}
      {same > 0 ? <p className="dim">{number(same, 0)} more were computed and stay as they are.</p> : null}
      {chosen && chosen.scopes.length > 0 ? (
        <Suspense fallback={<Skeleton lines={6} />}>
          <CompareChart kpi={chosen} currency={currency} />
        </Suspense>
      ) : null}
    </>
  );
}
