import { Autocomplete, Button, Checkbox, Input, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useMemo, useState, type ReactNode } from "react";
import type { Placed } from "@/api/types";
import { RuleField } from "@/features/segments/RuleField";
import { namesQuery } from "@/features/segments/queries";
import { sentence } from "@/shared/format";
import { useKept } from "@/shared/useKept";
import { Panel } from "@/shared/ui/Panel";
import { Skeleton } from "@/shared/ui/State";
import { changes, type Field } from "./fields";
import css from "./program.module.css";
import type { Recipe } from "./recipes";

const Code = lazy(() => import("@/shared/ui/Code"));
type Entry = Record<string, unknown>;

type Props = {
  title: string;
  /** Where what is typed is kept until it has arrived. */
  kept: string;
  fields: Field[];
  /** Which of the fields the entry can have as it is typed; all when left out. */
  shown?: (fields: Field[], entry: Entry) => Field[];
  entry: Entry;
  problems: Placed[];
  /** The entry's place in its document, as problems name it. */
  path: string;
  mayEdit: boolean;
  busy: boolean;
  /** Keeps the fields; `arrived` is called when the draft holds them. */
  save: (set: Entry, whole: Entry, arrived: () => void) => void;
  remove?: () => void;
  taken?: string[];
  references?: Record<string, string[]>;
  recipes?: (event: string) => Recipe[];
  /** What the entry would be as it is typed, beneath its fields. */
  preview?: (entry: Entry) => ReactNode;
};

/** The fields of one entry. What is typed stays, whatever becomes of the connection, until the draft holds it. */
export function EntryForm(props: Props) {
  const { title, fields, entry, mayEdit, busy, save, remove, taken = [] } = props;
  const [typed, keep, clear] = useKept(props.kept);
  const now = useMemo((): Entry => ({ ...entry, ...(typed ? (JSON.parse(typed) as Entry) : {}) }), [entry, typed]);
  const set = changes(
    Object.fromEntries(fields.map((f) => [f.key, entry[f.key]])),
    Object.fromEntries(fields.map((f) => [f.key, now[f.key]])),
  );
  const put = (values: Entry) => keep(JSON.stringify({ ...(typed ? (JSON.parse(typed) as Entry) : {}), ...values }));
  const missing = fields.filter(
    (f) => f.required && (now[f.key] === undefined || now[f.key] === "" || now[f.key] === null),
  );
  const twice = taken.includes(String(now.id ?? ""));
  const dirty = Object.keys(set).length > 0;
  const others = Object.keys(entry).filter((key) => !fields.some((f) => f.key === key) && Array.isArray(entry[key]));
  return (
    <Panel
      title={title}
      aside={
        remove && mayEdit ? (
          <Button size="compact-xs" variant="subtle" color="red" loading={busy} onClick={remove}>
            Remove
          </Button>
        ) : undefined
      }
    >
      <form
        className={css.form}
        onSubmit={(e) => {
          e.preventDefault();
          save(set, now, clear);
        }}
      >
        {props.recipes ? <Start recipes={props.recipes} take={put} /> : null}
        {(props.shown?.(fields, now) ?? fields).map((f) => (
          <OneField
            key={f.key}
            field={f}
            value={now[f.key]}
            change={(value) => put({ [f.key]: value })}
            mayEdit={mayEdit}
            references={props.references?.[f.key]}
            error={f.key === "id" && twice ? "Another entry has this id." : said(props.problems, props.path, f.key)}
          />
        ))}
        {others.length > 0 && props.path ? (
          <p className={`dim small ${css.broad}`}>
            Also written here, and edited as YAML: <code>{others.join(", ")}</code>.
          </p>
        ) : null}
        {props.preview ? <div className={css.broad}>{props.preview(now)}</div> : null}
        {mayEdit ? (
          <div className={`${css.row} ${css.broad}`}>
            <Button type="submit" disabled={!dirty || missing.length > 0 || twice} loading={busy}>
              Keep in the draft
            </Button>
            <Button variant="default" disabled={!dirty} onClick={clear}>
              Undo what I typed
            </Button>
            {dirty && missing.length > 0 ? (
              <span className="dim">Still needed: {missing.map((f) => f.key).join(", ")}.</span>
            ) : null}
          </div>
        ) : null}
      </form>
    </Panel>
  );
}

/** What the checker says about a field of the draft. */
function said(problems: Placed[], path: string, key: string): string | undefined {
  const place = path ? `${path}.${key}` : key;
  const found = problems.filter(
    (p) => p.path === place || p.path.startsWith(`${place}[`) || p.path.startsWith(`${place}.`),
  );
  if (found.length === 0) return undefined;
  return found
    .map((p) => `${sentence(p.problem)} ${p.nearest ? `Did you mean '${p.nearest}'? ` : ""}${sentence(p.remedy)}`)
    .join(" ");
}

function Start({ recipes, take }: { recipes: (event: string) => Recipe[]; take: (fields: Entry) => void }) {
  const [event, setEvent] = useState("login");
  const [chosen, setChosen] = useState<string | null>(null);
  const use = (id: string | null, name: string) => {
    setChosen(id);
    const found = recipes(name).find((r) => r.id === id);
    if (found) take(found.fields);
  };
  return (
    <fieldset className={`${css.start} ${css.broad}`}>
      <legend>Start from a usual figure</legend>
      <TextInput
        label="Event"
        size="xs"
        value={event}
        onChange={(e) => {
          setEvent(e.currentTarget.value);
          use(chosen, e.currentTarget.value);
        }}
      />
      <Select
        label="Figure"
        size="xs"
        data={recipes(event).map((r) => ({ value: r.id, label: r.label }))}
        value={chosen}
        onChange={(id) => use(id, event)}
      />
    </fieldset>
  );
}

type FieldProps = {
  field: Field;
  value: unknown;
  change: (value: unknown) => void;
  mayEdit: boolean;
  error?: string;
  references?: string[];
};

function OneField({ field, value, change, mayEdit, error, references }: FieldProps) {
  const text =
    value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const hint = [field.description, field.limit ? `(${field.limit})` : ""].filter(Boolean).join(" ");
  const common = {
    label: field.key,
    description: hint,
    error,
    disabled: !mayEdit,
    withAsterisk: field.required,
    size: "xs" as const,
  };
  switch (field.kind) {
    case "flag":
      return (
        <Checkbox
          {...{ label: field.key, description: hint, error, disabled: !mayEdit, size: "xs" as const }}
          checked={value === true}
          onChange={(e) => change(e.currentTarget.checked ? true : null)}
        />
      );
    case "choice":
      return (
        <Select {...common} clearable={!field.required} data={field.choices} value={text || null} onChange={change} />
      );
    case "list":
      return (
        <TagsInput
          {...common}
          data={field.choices.length > 0 ? field.choices : (references ?? [])}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={change}
        />
      );
    case "long":
      return (
        <Textarea
          {...common}
          className={css.broad}
          autosize
          minRows={2}
          maxRows={8}
          value={text}
          onChange={(e) => change(e.currentTarget.value)}
        />
      );
    case "rule":
    case "code":
      return <CodeField field={field} text={text} hint={hint} error={error} change={change} mayEdit={mayEdit} />;
    case "map":
      return <MapField {...common} text={flow(value)} change={change} />;
    case "number":
      return (
        <TextInput
          {...common}
          inputMode="decimal"
          value={text}
          onChange={(e) =>
            change(
              Number.isFinite(Number(e.currentTarget.value)) && e.currentTarget.value.trim()
                ? Number(e.currentTarget.value)
                : e.currentTarget.value,
            )
          }
        />
      );
    case "date":
      return <TextInput {...common} type="date" value={text} onChange={(e) => change(e.currentTarget.value)} />;
    case "text":
      return references ? (
        <Autocomplete {...common} data={references} value={text} onChange={change} />
      ) : (
        <TextInput {...common} value={text} onChange={(e) => change(e.currentTarget.value)} />
      );
  }
}

function CodeField({
  field,
  text,
  hint,
  error,
  change,
  mayEdit,
}: {
  field: Field;
  text: string;
  hint: string;
  error?: string;
  change: (value: unknown) => void;
  mayEdit: boolean;
}) {
  const names = useQuery(namesQuery);
  const words = () => (names.data?.names ?? []).map((n) => ({ label: n.name, detail: n.label, type: "variable" }));
  return (
    <Input.Wrapper
      label={field.key}
      labelElement="div"
      description={hint}
      withAsterisk={field.required}
      size="xs"
      className={css.broad}
    >
      {field.kind === "rule" && mayEdit ? (
        <RuleField label={field.key} value={text} currency={null} change={change} />
      ) : (
        <Suspense fallback={<Skeleton lines={2} />}>
          <Code label={field.key} value={text} change={change} words={words} marks={[]} readOnly={!mayEdit} />
        </Suspense>
      )}
      {error ? (
        <div role="alert" className={css.bad}>
          {error}
        </div>
      ) : null}
    </Input.Wrapper>
  );
}

const flow = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? Object.entries(value)
        .map(([k, v]) => `${k}: ${String(v)}`)
        .join(", ")
    : "";

/** A small map on one line: `value: 0.12, on: 2026-06-30`. */
function MapField({
  text,
  change,
  ...common
}: {
  text: string;
  change: (value: unknown) => void;
  label: string;
  description: string;
  error?: string;
  disabled: boolean;
  withAsterisk: boolean;
  size: "xs";
}) {
  const [typed, setTyped] = useState(text);
  return (
    <TextInput
      {...common}
      value={typed}
      onChange={(e) => {
        setTyped(e.currentTarget.value);
        const parts = e.currentTarget.value.split(",").map((p) => /^\s*(\w+)\s*:\s*(.+?)\s*$/.exec(p));
        if (parts.every((p) => p !== null))
          change(
            Object.fromEntries(
              parts.map((p) => [p[1], p[2] === "true" ? true : Number.isFinite(Number(p[2])) ? Number(p[2]) : p[2]]),
            ),
          );
      }}
    />
  );
}
