import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Edit, ProgramDocument, Segment, WorkingCopy } from "@/api/types";
import { drafted, useDraftWrites, useMayEdit, workingQuery } from "@/features/program/useWorking";
import { Icon } from "@/shared/ui/Icon";
import { Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Loaded, Problem } from "@/shared/ui/State";
import { Moves } from "./Preview";
import { RuleField } from "./RuleField";
import css from "./segments.module.css";

const FILE = "segments.yaml";
type Entry = { id: string; label?: string; rule?: string; description?: string };

const entriesOf = (document: ProgramDocument | undefined): Entry[] => {
  const content = document?.content as { segments?: Entry[] } | null | undefined;
  return Array.isArray(content?.segments) ? content.segments : [];
};
const unclassifiedOf = (document: ProgramDocument | undefined): string | undefined =>
  (document?.content as { unclassified?: string } | null | undefined)?.unclassified;

/** The rules as a draft: tried, previewed, and applied when their consequence has been seen. */
export function Editor({ segments, currency }: { segments: Segment[]; currency: string }) {
  const working = useQuery(workingQuery);
  const mayEdit = useMayEdit();
  return (
    <Panel
      title="Rules"
      aside={
        <span className="dim">
          {mayEdit ? "A change is a draft until you apply it." : "Managers and administrators change the rules."}
        </span>
      }
    >
      <Loaded of={working} lines={6}>
        {(data) => <Rules data={data} segments={segments} currency={currency} mayEdit={mayEdit} />}
      </Loaded>
    </Panel>
  );
}

function Rules({
  data,
  segments,
  currency,
  mayEdit,
}: {
  data: WorkingCopy;
  segments: Segment[];
  currency: string;
  mayEdit: boolean;
}) {
  const queries = useQueryClient();
  const { edits, discard } = useDraftWrites();
  const document = data.documents.find((d) => d.file === FILE);
  const [open, setOpen] = useState<string | null>(null);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [note, setNote] = useState("");
  const [fresh, setFresh] = useState("");
  const entries = entriesOf(document);
  const rules = entries.map((e) => ({ id: e.id, label: e.label ?? e.id, rule: typed[e.id] ?? String(e.rule ?? "") }));
  const unsaved = Object.entries(typed).filter(([id, rule]) =>
    entries.some((e) => e.id === id && String(e.rule) !== rule),
  );
  const changed = (document?.version ?? 0) > 0 || unsaved.length > 0;
  const preview = useMutation({
    mutationFn: () =>
      take(api.POST("/api/v1/segments/preview", { body: { segments: rules, unclassified: unclassifiedOf(document) } })),
  });
  const save = async () => {
    if (unsaved.length === 0) return;
    await edits.mutateAsync({
      file: FILE,
      edits: unsaved.map(([id, rule]): Edit => ({ list: "segments", id, set: { rule } })),
    });
    setTyped({});
  };
  const apply = useMutation({
    mutationFn: async () => {
      await save();
      return take(
        api.POST("/api/v1/program/draft/apply", {
          body: { base_version: data.version, note: note.trim() || undefined },
        }),
      );
    },
    onSuccess: async () => {
      setNote("");
      preview.reset();
      await queries.invalidateQueries();
    },
  });
  const write = (edit: Edit) => {
    preview.reset();
    void save().then(() => edits.mutateAsync({ file: FILE, edits: [edit] }));
  };
  const others = drafted(data).filter((d) => d.file !== FILE);
  const ids = new Set(segments.map((s) => s.id));
  return (
    <>
      {document?.conflict ? (
        <p role="alert" className={css.wrong}>
          <Icon name="conflict" size={14} /> {document.conflict.version.applied_by} applied version{" "}
          {document.conflict.version.version} since your draft began. Nothing was overwritten:{" "}
          <Link to="/definitions" search={{ file: FILE }}>
            look at the differences
          </Link>
          .
        </p>
      ) : null}
      <ol className={css.rules}>
        {rules.map((s, at) => (
          <li key={s.id} className={css.rule}>
            <div className={css.ruleHead}>
              <span className="dim num">{at + 1}</span>
              <SegmentChip id={s.id} label={s.label} />
              {ids.has(s.id) ? null : <span className="dim small">new</span>}
              <code className={css.ruleText}>{s.rule}</code>
              {mayEdit ? (
                <span className="nowrap">
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    aria-expanded={open === s.id}
                    onClick={() => setOpen(open === s.id ? null : s.id)}
                    aria-label={`Edit the rule of ${s.label}`}
                  >
                    {open === s.id ? "Close" : "Edit"}
                  </Button>
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    disabled={at === 0 || edits.isPending}
                    aria-label={`Try ${s.label} earlier`}
                    onClick={() => write({ list: "segments", id: s.id, position: at - 1 })}
                  >
                    <Icon name="arrowUp" size={12} />
                  </Button>
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    disabled={at === rules.length - 1 || edits.isPending}
                    aria-label={`Try ${s.label} later`}
                    onClick={() => write({ list: "segments", id: s.id, position: at + 1 })}
                  >
                    <Icon name="arrowDown" size={12} />
                  </Button>
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="gray"
                    disabled={rules.length === 1 || edits.isPending}
                    aria-label={`Remove ${s.label}`}
                    onClick={() => write({ list: "segments", id: s.id, remove: true })}
                  >
                    <Icon name="close" size={12} />
                  </Button>
                </span>
              ) : null}
            </div>
            {open === s.id ? (
              <RuleField
                label={`Rule of ${s.label}`}
                value={s.rule}
                currency={currency}
                change={(rule) => {
                  preview.reset();
                  setTyped((held) => ({ ...held, [s.id]: rule }));
                }}
              />
            ) : null}
          </li>
        ))}
      </ol>
      {mayEdit ? (
        <>
          <form
            className={css.actions}
            onSubmit={(e) => {
              e.preventDefault();
              const label = fresh.trim();
              const id = label
                .toLowerCase()
                .replace(/[^a-z0-9]+/g, "_")
                .replace(/^[^a-z]+|_+$/g, "")
                .slice(0, 63);
              if (!id) return;
              write({ list: "segments", id, set: { label, rule: "mrr > 0" }, position: Math.max(rules.length - 1, 0) });
              setFresh("");
              setOpen(id);
            }}
          >
            <TextInput
              size="xs"
              aria-label="Name of a new segment"
              placeholder="New segment"
              value={fresh}
              onChange={(e) => setFresh(e.currentTarget.value)}
              maxLength={60}
            />
            <Button size="xs" type="submit" variant="default" disabled={!/[a-z]/i.test(fresh)}>
              Add before the last
            </Button>
          </form>
          <div className={css.actions}>
            <Button disabled={!changed} loading={preview.isPending} onClick={() => preview.mutate()}>
              Show who would move
            </Button>
            <Button
              variant="default"
              disabled={unsaved.length === 0}
              loading={edits.isPending}
              onClick={() => void save()}
            >
              Keep as a draft
            </Button>
            <Button
              variant="default"
              disabled={!changed}
              onClick={() => {
                setTyped({});
                preview.reset();
                if (document?.version) discard.mutate(FILE);
              }}
            >
              Discard
            </Button>
          </div>
        </>
      ) : null}
      {edits.error ? <Problem inline error={edits.error} /> : null}
      {preview.error ? <Problem inline error={preview.error} /> : null}
      {preview.data ? (
        <>
          <Moves answer={preview.data} currency={currency} />
          {mayEdit ? (
            <div className={css.actions}>
              <TextInput
                label="Why (kept with the version)"
                value={note}
                onChange={(e) => setNote(e.currentTarget.value)}
                w={320}
                maw="100%"
              />
              <Button loading={apply.isPending} onClick={() => apply.mutate()} style={{ alignSelf: "end" }}>
                Apply these rules
              </Button>
              <Link to="/definitions" search={{ view: "review" }} className={css.also} onClick={() => void save()}>
                See the figures that change too
              </Link>
              {others.length > 0 ? (
                <span className="dim">Your draft of {others.map((d) => d.file).join(", ")} is applied with them.</span>
              ) : null}
            </div>
          ) : null}
        </>
      ) : null}
      {apply.error ? <Problem inline error={apply.error} /> : null}
      {apply.data ? <p role="status">Version {apply.data.version} is in force.</p> : null}
    </>
  );
}
