import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";
import type { ProgramDocument, TileDefinition, WorkingCopy } from "@/api/types";
import { namesQuery } from "@/features/segments/queries";
import { Icon } from "@/shared/ui/Icon";
import { Empty, Problem, Skeleton } from "@/shared/ui/State";
import { EntryForm } from "./EntryForm";
import { formOf, schemaOf, tileFields } from "./fields";
import { MapForm } from "./MapForm";
import css from "./program.module.css";
import { recipes } from "./recipes";
import { useCheck } from "./useCheck";
import { useDraftWrites } from "./useWorking";

const TilePreview = lazy(() => import("@/features/dashboards/TilePreview"));

type Entry = Record<string, unknown>;
type Props = {
  working: WorkingCopy;
  document: ProgramDocument;
  mayEdit: boolean;
  entry: string | undefined;
  open: (entry: string | undefined) => void;
};

/** A document as forms: its entries on the left, the fields of one on the right. */
export function DocForm({ working, document, mayEdit, entry, open }: Props) {
  const { edits } = useDraftWrites();
  const [q, setQ] = useState("");
  const check = useCheck(working, null);
  const form = formOf(schemaOf(working.schemas, document.file));
  const names = useQuery(namesQuery).data;
  const content = document.content as Record<string, unknown> | null;
  if (!form || form.fields.length + form.root.length + form.maps.length === 0)
    return <Empty title="This document has no form">Edit it as YAML.</Empty>;
  if (content === null && (document.text ?? "").trim() !== "")
    return <Empty title="The text is not YAML">Mend it as YAML first; the place of the mistake is marked there.</Empty>;
  const here = check.problems.filter((p) => p.file === document.file);
  const { list } = form;
  const entries = list && Array.isArray(content?.[list]) ? (content[list] as Entry[]) : [];
  const id = (e: Entry) => String(e.id ?? "");
  const adding = entry === "+";
  const tiles = list === "tiles";
  // A tile without a title is called as what it shows.
  const called = (e: Entry) => {
    const [shown] = Array.isArray(e.kpis) ? (e.kpis as unknown[]) : [];
    return entriesOf(working, "kpis.yaml", "kpis").find((k) => k.id === shown)?.label ?? id(e);
  };
  const label = (e: Entry) => String(e.label ?? e.title ?? called(e));
  const segments = idsOf(working, "segments.yaml", "segments");
  const kpis = idsOf(working, "kpis.yaml", "kpis");
  const metrics = idsOf(working, "metrics.yaml", "metrics");
  const known = (names?.names ?? []).map((n) => n.name);
  const groups = (names?.names ?? []).filter((n) => n.kind === "attribute" && n.type !== "date").map((n) => n.name);
  const references: Record<string, string[]> = {
    kpi: kpis,
    scope: ["all", ...segments],
    kpis,
    metric: metrics,
    by: ["segment", "owner", ...(names?.lifecycle_stage ? ["stage"] : []), "item", ...groups],
    segment: ["all", ...segments],
    x: known,
    y: known,
    size: known,
    columns: ["segment", ...known],
    sort: known.flatMap((n) => [n, `-${n}`]),
  };
  const at = entries.findIndex((e) => id(e) === entry);
  const chosen = at >= 0 ? entries[at] : undefined;
  const save = (key: string, set: Record<string, unknown>, then?: () => void) =>
    edits.mutate({ file: document.file, edits: [{ list: list ?? undefined, id: key, set }] }, { onSuccess: then });
  const matches = entries.filter((e) => `${id(e)} ${label(e)}`.toLowerCase().includes(q.toLowerCase()));
  return (
    <div className={css.stack}>
      {edits.error ? <Problem inline error={edits.error} /> : null}
      {form.root.length > 0 ? (
        <EntryForm
          key={`root ${document.version}`}
          title={list ? "The document itself" : document.file}
          kept={`form.${document.file}`}
          fields={form.root}
          entry={content ?? {}}
          problems={here}
          path=""
          references={references}
          mayEdit={mayEdit}
          busy={edits.isPending}
          save={(set, _, arrived) => edits.mutate({ file: document.file, edits: [{ set }] }, { onSuccess: arrived })}
        />
      ) : null}
      {form.maps.map((map) => (
        <MapForm key={map} document={document} map={map} mayEdit={mayEdit} />
      ))}
      {list ? (
        <div className={css.entries}>
          <div className={css.list}>
            <TextInput
              size="xs"
              type="search"
              aria-label={`Find in ${list}`}
              placeholder={`Find in ${entries.length} ${list}`}
              value={q}
              onChange={(e) => setQ(e.currentTarget.value)}
            />
            {mayEdit ? (
              <Button size="xs" variant="default" onClick={() => open("+")}>
                Add to {list}
              </Button>
            ) : null}
            <ul>
              {matches.map((e) => {
                const index = entries.indexOf(e);
                const wrong = here.some((p) => p.path.startsWith(`${list}[${index}]`));
                return (
                  <li key={id(e)}>
                    <button
                      type="button"
                      className={css.pick}
                      aria-current={entry === id(e)}
                      onClick={() => open(id(e))}
                    >
                      {wrong ? <Icon name="warning" size={12} /> : null} <span>{label(e)}</span>
                      <code>{id(e)}</code>
                    </button>
                  </li>
                );
              })}
            </ul>
          </div>
          <div>
            {chosen || adding ? (
              <EntryForm
                key={adding ? "+" : `${entry ?? ""} ${document.version}`}
                title={adding ? `New in ${list}` : chosen ? label(chosen) : (entry ?? "")}
                kept={`form.${document.file}.${entry ?? ""}`}
                fields={form.fields}
                shown={tiles ? tileFields : undefined}
                entry={chosen ?? {}}
                problems={here}
                path={adding ? "" : `${list}[${at}]`}
                mayEdit={mayEdit}
                busy={edits.isPending}
                recipes={adding && list === "kpis" ? recipes : undefined}
                references={references}
                preview={
                  tiles
                    ? (tile) => (
                        <Suspense fallback={<Skeleton lines={4} />}>
                          <TilePreview tile={tile as TileDefinition} />
                        </Suspense>
                      )
                    : undefined
                }
                taken={adding ? entries.map(id) : entries.map(id).filter((other) => other !== entry)}
                save={(set, whole, arrived) => {
                  const key = adding ? String(whole.id ?? "") : (entry ?? "");
                  save(key, set, () => {
                    arrived();
                    open(String(whole.id ?? key));
                  });
                }}
                remove={
                  adding
                    ? undefined
                    : () =>
                        edits.mutate(
                          { file: document.file, edits: [{ list, id: entry, remove: true }] },
                          { onSuccess: () => open(undefined) },
                        )
                }
              />
            ) : (
              <Empty title={entries.length === 0 ? `Nothing in ${list} yet` : "Choose an entry"}>
                {mayEdit
                  ? "Or add one. Nothing is in force before you apply it."
                  : "Managers and administrators change definitions."}
              </Empty>
            )}
          </div>
        </div>
      ) : null}
    </div>
  );
}

function entriesOf(working: WorkingCopy, file: string, list: string): Entry[] {
  const content = working.documents.find((d) => d.file === file)?.content as Record<string, Entry[]> | null;
  return content?.[list] ?? [];
}

const idsOf = (working: WorkingCopy, file: string, list: string): string[] =>
  entriesOf(working, file, list).flatMap((e) => (typeof e.id === "string" ? [e.id] : []));
