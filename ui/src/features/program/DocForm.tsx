import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ProgramDocument, WorkingCopy } from "@/api/types";
import { Icon } from "@/shared/ui/Icon";
import { Empty, Problem } from "@/shared/ui/State";
import { EntryForm } from "./EntryForm";
import { formOf, type Schema } from "./fields";
import { MapForm } from "./MapForm";
import css from "./program.module.css";
import { recipes } from "./recipes";
import { useCheck } from "./useCheck";
import { useDraftWrites } from "./useWorking";

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
  const form = formOf((working.schemas as Record<string, Schema>)[document.file]);
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
  const at = entries.findIndex((e) => id(e) === entry);
  const chosen = at >= 0 ? entries[at] : undefined;
  const save = (key: string, set: Record<string, unknown>, then?: () => void) =>
    edits.mutate({ file: document.file, edits: [{ list: list ?? undefined, id: key, set }] }, { onSuccess: then });
  const matches = entries.filter((e) => `${id(e)} ${String(e.label ?? "")}`.toLowerCase().includes(q.toLowerCase()));
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
                      {wrong ? <Icon name="warning" size={12} /> : null} {String(e.label ?? id(e))}
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
                title={adding ? `New in ${list}` : String(chosen?.label ?? entry)}
                kept={`form.${document.file}.${entry ?? ""}`}
                fields={form.fields}
                entry={chosen ?? {}}
                problems={here}
                path={adding ? "" : `${list}[${at}]`}
                mayEdit={mayEdit}
                busy={edits.isPending}
                recipes={adding && list === "kpis" ? recipes : undefined}
                references={{
                  kpi: idsOf(working, "kpis.yaml", "kpis"),
                  scope: ["all", ...idsOf(working, "segments.yaml", "segments")],
                }}
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

function idsOf(working: WorkingCopy, file: string, list: string): string[] {
  const content = working.documents.find((d) => d.file === file)?.content as Record<string, Entry[]> | null;
  return (content?.[list] ?? []).flatMap((e) => (typeof e.id === "string" ? [e.id] : []));
}
