/** The map of a file as the page edits it: the same document as the YAML of the command line. Pure. */

export type Spec = {
  column?: string;
  constant?: unknown;
  formula?: string;
  lookup?: { file: string; key: string; value: string };
  values?: Record<string, unknown>;
  default?: unknown;
  format?: string;
  zone?: string;
  decimal?: string;
  optional?: boolean;
};
export type Doc = {
  fields?: Record<string, string | Spec>;
  others?: string;
  skip_when?: string;
  decimal?: string;
  [key: string]: unknown;
};

/** What becomes of a column: a field, kept under its own name, or left out. */
export type Target = { to: "field"; field: string } | { to: "kept" } | { to: "skip" };

export const spec = (entry: string | Spec | undefined): Spec =>
  typeof entry === "string" ? { column: entry } : (entry ?? {});

/** The shortest way to write a field. */
export function short(it: Spec): string | Spec {
  const kept = Object.fromEntries(
    Object.entries(it).filter(
      ([key, value]) =>
        value !== undefined &&
        value !== "" &&
        !(key === "values" && Object.keys(value as Record<string, unknown>).length === 0),
    ),
  ) as Spec;
  return kept.column !== undefined && Object.keys(kept).length === 1 ? kept.column : kept;
}

const isPlain = (it: Spec): boolean => it.column !== undefined && it.lookup === undefined;

/** The field that takes a column as it is. */
export function fieldOf(doc: Doc, column: string): string | null {
  for (const [field, entry] of Object.entries(doc.fields ?? {})) {
    const it = spec(entry);
    if (isPlain(it) && it.column === column) return field;
  }
  return null;
}

export function targetOf(doc: Doc, column: string, others: string): Target {
  const field = fieldOf(doc, column);
  if (field !== null) return { to: "field", field };
  return others === "ignore" ? { to: "skip" } : { to: "kept" };
}

/** The name under which a column that no field takes is kept. */
export function extraName(column: string, others: string): string {
  if (others === "properties") return `properties.${column.replace(/^properties\./, "")}`;
  const plain = column
    .replace(/^attributes\./, "")
    .trim()
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
  return `attributes.${plain}`;
}

/** The document in which `column` becomes `target`. A field that another column had moves to this one. */
export function assign(doc: Doc, column: string, target: Target, columns: string[], others: string): Doc {
  const before = fieldOf(doc, column);
  const fields: Record<string, string | Spec> = {};
  const known = before === null ? {} : spec(doc.fields?.[before]);
  for (const [field, entry] of Object.entries(doc.fields ?? {})) {
    if (field === before) {
      // What stands in its place keeps its place.
      if (target.to === "field") fields[target.field] = column;
    } else if (!(target.to === "field" && field === target.field)) fields[field] = entry;
  }
  if (target.to === "field") {
    const same = target.field === before;
    fields[target.field] = same ? short(known) : column;
    return { ...doc, fields };
  }
  if (target.to === "kept") {
    return others === "ignore"
      ? { ...doc, fields: { ...fields, [extraName(column, "attributes")]: column } }
      : { ...doc, fields };
  }
  if (others === "ignore") return { ...doc, fields };
  // Leaving one column out means naming those that stay.
  for (const other of columns)
    if (other !== column && fieldOf({ fields }, other) === null) fields[extraName(other, others)] = other;
  return { ...doc, fields, others: "ignore" };
}

/** Fields that something else than a whole column fills: constants, formulas, lookups, a column used twice. */
export function given(doc: Doc): [string, Spec][] {
  const seen = new Set<string>();
  const found: [string, Spec][] = [];
  for (const [field, entry] of Object.entries(doc.fields ?? {})) {
    const it = spec(entry);
    if (isPlain(it) && it.column !== undefined && !seen.has(it.column)) seen.add(it.column);
    else found.push([field, it]);
  }
  return found;
}

export const put = (doc: Doc, field: string, it: Spec | null): Doc => {
  const fields = { ...(doc.fields ?? {}) };
  if (it === null) Reflect.deleteProperty(fields, field);
  else fields[field] = short(it);
  return { ...doc, fields };
};

/** A field's source of another sort, empty at first. */
export function sourced(mode: "constant" | "formula" | "column"): Spec {
  return mode === "constant" ? { constant: "" } : mode === "formula" ? { formula: "" } : { column: "" };
}

/** Says what a text of the file stands for; null leaves it as it is. */
export function translate(doc: Doc, field: string, text: string, word: string | null): Doc {
  const it = spec(doc.fields?.[field]);
  const values = { ...(it.values ?? {}) };
  if (word === null) Reflect.deleteProperty(values, text);
  else values[text] = word;
  return put(doc, field, { ...it, values });
}

/** When what a file tells counts as known: from the import on, or each thing from its own date on. */
export type Known = "imported" | "as_dated";

type Dates = { known?: Known; [key: string]: unknown };
const datesOf = (doc: Doc): Dates => (doc.dates ?? {}) as Dates;

export const knownOf = (doc: Doc): Known => datesOf(doc).known ?? "imported";

/** The document that says when what the file tells counts as known; the usual is not written. */
export function withKnown(doc: Doc, known: Known): Doc {
  const dates: Dates = { ...datesOf(doc), known };
  if (known === "imported") delete dates.known;
  const next: Doc = { ...doc, dates };
  if (Object.keys(dates).length === 0) delete next.dates;
  return next;
}

/** Patterns of days and times that are offered; any other can be typed in the YAML. */
export const FORMATS = [
  "%Y-%m-%d",
  "%d.%m.%Y",
  "%m/%d/%Y",
  "%d/%m/%Y",
  "%Y/%m/%d",
  "%d-%m-%Y",
  "%d %b %Y",
  "%b %d, %Y",
  "%d.%m.%Y %H:%M",
  "%m/%d/%Y %H:%M",
  "%d/%m/%Y %H:%M",
  "%m/%d/%Y %I:%M %p",
];
