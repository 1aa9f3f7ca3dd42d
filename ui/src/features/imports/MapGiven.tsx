import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { MapLook } from "@/api/types";
import { words } from "@/shared/format";
import css from "./imports.module.css";
import { given, put, sourced, type Doc, type Spec } from "./map";

type Props = { look: MapLook; doc: Doc; change: (doc: Doc, soon?: boolean) => void };
type Mode = "constant" | "formula" | "column" | "lookup";

const modeOf = (it: Spec): Mode =>
  it.formula !== undefined ? "formula" : it.lookup ? "lookup" : it.column !== undefined ? "column" : "constant";

/** Fields that no single column fills, and rows that are left out. */
export function MapGiven({ look, doc, change }: Props) {
  const [field, setField] = useState<string | null>(null);
  const [mode, setMode] = useState<"constant" | "formula" | "column">("constant");
  const taken = Object.keys(doc.fields ?? {});
  const open = [
    ...look.fields.map((f) => f.name),
    ...(look.kind === "accounts" ? look.attributes.map((a) => `attributes.${a}`) : []),
  ].filter((f) => !taken.includes(f));
  return (
    <div className={css.stack}>
      {given(doc).map(([name, it]) => (
        <div key={name} className={css.givenLine}>
          <span className={css.givenName}>
            <code>{name}</code> <span className="dim small">{words(modeOf(it))}</span>
          </span>
          <Source name={name} it={it} look={look} set={(next) => change(put(doc, name, next), true)} />
          <Button
            size="compact-xs"
            variant="subtle"
            aria-label={`Remove ${name}`}
            onClick={() => change(put(doc, name, null))}
          >
            Remove
          </Button>
        </div>
      ))}
      <form
        className={css.form}
        onSubmit={(e) => {
          e.preventDefault();
          if (field) change(put(doc, field, sourced(mode)));
          setField(null);
        }}
      >
        <Select
          label="Give another field"
          placeholder="Field"
          searchable
          value={field}
          onChange={setField}
          data={open.map((f) => ({ value: f, label: words(f) }))}
        />
        <Select
          label="From"
          value={mode}
          allowDeselect={false}
          onChange={(m) => setMode((m ?? "constant") as typeof mode)}
          data={[
            { value: "constant", label: "One value for every row" },
            { value: "formula", label: "A formula over the columns" },
            { value: "column", label: "A column that is used already" },
          ]}
        />
        <Button type="submit" variant="default" disabled={!field}>
          Add
        </Button>
      </form>
      <TextInput
        label="Leave out rows for which this holds"
        placeholder="Status = 'test'"
        description="SQL over the columns; a name with spaces stands in double quotes. Empty: no row is left out."
        spellCheck={false}
        value={doc.skip_when ?? ""}
        onChange={(e) => change({ ...doc, skip_when: e.currentTarget.value || undefined }, true)}
      />
    </div>
  );
}

function Source({ name, it, look, set }: { name: string; it: Spec; look: MapLook; set: (it: Spec) => void }) {
  const mode = modeOf(it);
  const columns = look.columns.map((c) => c.name);
  if (mode === "constant")
    return (
      <TextInput
        aria-label={`Value of ${name}`}
        value={typeof it.constant === "string" ? it.constant : JSON.stringify(it.constant ?? "")}
        onChange={(e) => set({ ...it, constant: e.currentTarget.value })}
      />
    );
  if (mode === "formula")
    return (
      <TextInput
        aria-label={`Formula of ${name}`}
        placeholder="amount / 12"
        spellCheck={false}
        value={it.formula ?? ""}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        onChange={(e) => set({ ...it, formula: e.currentTarget.value })}
      />
    );
  return (
    <span className={css.tools}>
      <Select
        aria-label={`Column of ${name}`}
        searchable
        value={it.column ?? null}
        data={columns}
        onChange={(column) => column && set({ ...it, column })}
      />
      {it.lookup ? (
        <span className="small">
          found in <code>{it.lookup.file}</code>, where <code>{it.lookup.key}</code> is the same; its{" "}
          <code>{it.lookup.value}</code> is taken
        </span>
      ) : null}
    </span>
  );
}
