import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useCallback, useEffect, useMemo, useState } from "react";
import type { ProgramDocument, WorkingCopy } from "@/api/types";
import { namesQuery } from "@/features/segments/queries";
import { ago } from "@/shared/days";
import { useNow } from "@/shared/now";
import { useKept } from "@/shared/useKept";
import { useLater } from "@/shared/useLater";
import { Problem, Skeleton } from "@/shared/ui/State";
import { formOf, offers, schemaOf } from "./fields";
import { Problems } from "./Problems";
import css from "./program.module.css";
import { useCheck } from "./useCheck";
import { useDraftWrites } from "./useWorking";

type Place = { line: number; column: number; again: number };
const Code = lazy(() => import("@/shared/ui/Code"));

/** A document as text. What is typed is kept in the browser at once and with the server as soon as it rests. */
export function DocYaml({
  working,
  document,
  mayEdit,
}: {
  working: WorkingCopy;
  document: ProgramDocument;
  mayEdit: boolean;
}) {
  const { text: write } = useDraftWrites();
  const [typed, keep, clear] = useKept(`draft.${document.file}`);
  const now = useNow();
  const shown = typed ?? document.text ?? "";
  const resting = useLater(typed, 900);
  const [goTo, setGoTo] = useState<Place>();
  const [refused, setRefused] = useState<string | null>(null);
  const { mutate, isPending, error } = write;
  useEffect(() => {
    if (!mayEdit || resting === null || resting !== typed || isPending || resting === refused) return;
    if (resting === document.text) {
      clear();
      return;
    }
    mutate(
      { file: document.file, text: resting },
      { onSuccess: (kept) => kept.text === resting && clear(), onError: () => setRefused(resting) },
    );
  }, [resting, typed, mayEdit, isPending, refused, document.file, document.text, mutate, clear]);
  const typing = useMemo(
    () => (typed !== null && typed !== document.text ? { file: document.file, text: typed } : null),
    [typed, document.file, document.text],
  );
  const check = useCheck(working, typing);
  const here = useMemo(() => check.problems.filter((p) => p.file === document.file), [check.problems, document.file]);
  const marks = useMemo(
    () =>
      here.map((p) => ({
        line: p.line,
        column: p.column,
        severity: p.severity === "error" ? ("error" as const) : ("warning" as const),
        message: `${p.problem}${p.nearest ? ` Did you mean '${p.nearest}'?` : ""}\n${p.remedy}`,
      })),
    [here],
  );
  const names = useQuery(namesQuery);
  const words = useWords(working, document.file, names.data?.names);
  const offline = typed !== null && refused === typed;
  return (
    <div className={css.stack}>
      <div className={css.status} role="status">
        {offline
          ? "Not with the server yet: it is kept in this browser."
          : typed !== null
            ? "Keeping your draft …"
            : document.version > 0
              ? `Draft, kept ${document.updated_at ? ago(document.updated_at, now) : ""}`
              : "As in force"}
        {offline ? (
          <Button size="compact-xs" variant="default" onClick={() => setRefused(null)}>
            Send it now
          </Button>
        ) : null}
      </div>
      {error && offline ? <Problem inline error={error} /> : null}
      <Suspense fallback={<Skeleton lines={12} />}>
        <Code
          key={document.file}
          document
          label={`${document.file} as YAML`}
          value={shown}
          change={keep}
          words={words}
          marks={marks}
          goTo={goTo}
          readOnly={!mayEdit}
          height="min(62vh, 720px)"
        />
      </Suspense>
      <Problems
        here
        list={here}
        pending={check.pending}
        open={(_, line, column) => setGoTo((last) => ({ line, column, again: (last?.again ?? 0) + 1 }))}
      />
    </div>
  );
}

function useWords(working: WorkingCopy, file: string, names: { name: string; label: string }[] | undefined) {
  return useCallback(
    (before: string) => {
      const form = formOf(schemaOf(working.schemas, file));
      const ids = (name: string, list: string): string[] => {
        const content = working.documents.find((d) => d.file === name)?.content as Record<
          string,
          { id?: string }[]
        > | null;
        return (content?.[list] ?? []).flatMap((e) => e.id ?? []);
      };
      const known = (names ?? []).map((n) => ({ label: n.name, detail: n.label, type: "variable" }));
      const metrics = ids("metrics.yaml", "metrics").filter((id) => !known.some((n) => n.label === id));
      return offers(before, form, [...known, ...metrics.map((label) => ({ label, type: "variable" }))], {
        kpi: ids("kpis.yaml", "kpis"),
        kpis: ids("kpis.yaml", "kpis"),
        metric: ids("metrics.yaml", "metrics"),
        scope: ["all", ...ids("segments.yaml", "segments")],
        segment: ["all", ...ids("segments.yaml", "segments")],
      });
    },
    [working, file, names],
  );
}
