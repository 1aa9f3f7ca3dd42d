import { Button, Select, Tabs, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { MapLook, UploadFileDetail } from "@/api/types";
import { number, percent, sentence, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import css from "./imports.module.css";
import { knownOf, withKnown, type Doc, type Known } from "./map";
import { MapChoices } from "./MapChoices";
import { MapColumns } from "./MapColumns";
import { MapGiven } from "./MapGiven";
import { MapRows } from "./MapRows";
import { uploadFileQuery } from "./queries";

/** For files without arrival times; a column that is mapped to `received_at` counts before it. */
const KNOWN: { value: Known; label: string }[] = [
  { value: "imported", label: "from the import on" },
  { value: "as_dated", label: "on its own dates" },
];

type Wanted = { kind?: string; document?: Doc; map?: string };

/** How the rows of a file are read, and what becomes of the first of them. What is changed is kept at once. */
export function FileMap({ upload, file }: { upload: string; file: string }) {
  const it = useQuery(uploadFileQuery(upload, file));
  return (
    <Loaded of={it} lines={10}>
      {(data) => <Editor upload={upload} data={data} />}
    </Loaded>
  );
}

function Editor({ upload, data }: { upload: string; data: UploadFileDetail }) {
  const queries = useQueryClient();
  const file = data.file.id;
  const key = ["uploads", upload, file];
  const [draft, setDraft] = useState<Doc | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const save = useMutation({
    // One after the other, so that each starts from the version that the one before left.
    scope: { id: `map ${file}` },
    mutationFn: (wanted: Wanted) => {
      const known = queries.getQueryData<UploadFileDetail>(key)?.file.version ?? data.file.version;
      return take(
        api.PATCH("/api/v1/uploads/{upload}/files/{file}", {
          params: { path: { upload, file } },
          body: { version: known, ...wanted } as never,
        }),
      );
    },
    onSuccess: (detail) => {
      queries.setQueryData(key, detail);
      void queries.invalidateQueries({ queryKey: ["uploads", upload], exact: true });
    },
    onError: (error) => {
      if (error instanceof ApiProblem && error.status === 409) void queries.invalidateQueries({ queryKey: key });
    },
  });
  const { look } = data;
  const doc = draft ?? (look.document as Doc);
  const settle = (wanted: Wanted) => {
    clearTimeout(timer.current);
    save.mutate(wanted, { onSuccess: () => setDraft(null) });
  };
  /** Typing waits for a pause; a choice is kept at once. */
  const change = (next: Doc, soon = false) => {
    setDraft(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => settle({ kind: look.kind, document: next }), soon ? 700 : 150);
  };
  return (
    <Panel
      title={`How ${data.file.name} is read`}
      aside={
        <div className={css.tools}>
          <span className="dim small" role="status">
            {save.isPending || draft ? "Being kept…" : data.file.remembered ? "Mapped as the last file" : "Kept"}
          </span>
          <Button
            component="a"
            size="xs"
            variant="default"
            href={`/api/v1/uploads/${upload}/files/${file}/map`}
            download
          >
            Download the map
          </Button>
        </div>
      }
    >
      <div className={css.kindLine}>
        <Select
          label="Rows are"
          value={look.kind}
          allowDeselect={false}
          onChange={(kind) => kind && settle({ kind })}
          data={data.kinds.map((k, i) => ({
            value: k.kind,
            label: `${words(k.kind)}${i === 0 ? " (fits best)" : ""}`,
          }))}
        />
        {look.kind === "accounts" || look.kind === "contacts" ? null : (
          <Select
            label="What they tell was known"
            value={knownOf(doc)}
            allowDeselect={false}
            onChange={(known) => known && change(withKnown(doc, known as Known))}
            data={KNOWN}
          />
        )}
        <Sample look={look} />
      </div>
      {save.error ? <Problem inline error={save.error} /> : null}
      <Faults look={look} />
      <Tabs defaultValue="columns" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="columns">Columns</Tabs.Tab>
          <Tabs.Tab value="given">Constants and formulas</Tabs.Tab>
          {look.choices.length > 0 ? <Tabs.Tab value="choices">Words</Tabs.Tab> : null}
          <Tabs.Tab value="yaml">YAML</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="columns">
          <MapColumns look={look} doc={doc} change={change} />
        </Tabs.Panel>
        <Tabs.Panel value="given">
          <MapGiven look={look} doc={doc} change={change} />
        </Tabs.Panel>
        <Tabs.Panel value="choices">
          <MapChoices look={look} doc={doc} change={change} />
        </Tabs.Panel>
        <Tabs.Panel value="yaml">
          <Yaml key={look.map} look={look} save={(map) => settle({ kind: look.kind, map })} busy={save.isPending} />
        </Tabs.Panel>
      </Tabs>
      <MapRows look={look} />
    </Panel>
  );
}

function Sample({ look }: { look: MapLook }) {
  const { rows, good, rejected, skipped } = look.sample;
  if (look.problem) return null;
  return (
    <p className={css.sample}>
      Of the first {number(rows, 0)} rows <strong>{number(good, 0)}</strong> can be used
      {rejected > 0 ? (
        <>
          , <strong className={css.failed}>{number(rejected, 0)}</strong> would be rejected
        </>
      ) : null}
      {skipped > 0 ? `, ${number(skipped, 0)} are left out` : ""}
      {rows > 0 ? ` (${percent(good / rows, 0)})` : ""}.
    </p>
  );
}

/** What has to be looked at: the map's own mistake, reasons for rejects, remarks of the proposal. */
function Faults({ look }: { look: MapLook }) {
  if (!look.problem && look.faults.length === 0 && look.notes.length === 0) return null;
  return (
    <ul className={css.faults}>
      {look.problem ? (
        <li className={css.bad}>
          <Icon name="warning" size={14} /> <code>{look.problem.at || "map"}</code> {sentence(look.problem.problem)}{" "}
          <strong>{sentence(look.problem.remedy)}</strong>
        </li>
      ) : null}
      {look.faults.map((f) => (
        <li key={`${f.field}${f.reason}`} className={css.bad}>
          <Icon name="warning" size={14} /> <code>{f.field || "row"}</code> {sentence(f.reason)}{" "}
          <strong>{sentence(f.remedy)}</strong> <span className="dim">{number(f.rows, 0)} rows</span>
        </li>
      ))}
      {look.notes.map((n) => (
        <li key={`${n.field}${n.note}`}>
          <code>{n.field}</code> {sentence(n.note)}
        </li>
      ))}
    </ul>
  );
}

function Yaml({ look, save, busy }: { look: MapLook; save: (map: string) => void; busy: boolean }) {
  const [text, setText] = useState(look.map);
  return (
    <div className={css.stack}>
      <Textarea
        label="The map as the command line takes it"
        description="tenure import FILE --kind KIND --map FILE.map.yaml"
        autosize
        minRows={8}
        maxRows={30}
        spellCheck={false}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
      />
      <div>
        <Button size="xs" variant="default" disabled={text === look.map} loading={busy} onClick={() => save(text)}>
          Keep this text
        </Button>
      </div>
    </div>
  );
}
