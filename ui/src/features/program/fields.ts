/** What a form of a document asks for, read from the document's JSON Schema; and what may be written at a place of its text. */
export type Schema = {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  description?: string;
  pattern?: string;
  format?: string;
  required?: string[];
  definitions?: Record<string, Schema>;
  additionalProperties?: unknown;
};
export type FieldKind = "text" | "long" | "rule" | "code" | "choice" | "flag" | "list" | "map" | "date" | "number";
export type Field = {
  key: string;
  kind: FieldKind;
  description: string;
  limit: string;
  choices: string[];
  required: boolean;
};
export type Form = { list: string | null; fields: Field[]; root: Field[]; maps: string[] };

const CODE = new Set(["expr", "where", "of", "facts", "sql", "filter"]);

/** The schema of a document: each file of the folder `dashboards` holds one dashboard. */
export const schemaOf = (schemas: unknown, file: string): Schema | undefined =>
  (schemas as Record<string, Schema>)[file.startsWith("dashboards/") ? "dashboard.yaml" : file];

/** What each kind of tile is made of besides its name and its size. */
const OVER_TIME = ["kpis", "metric", "sql", "by", "measure", "scope", "grain", "points", "unit", "limit"];
const TILES: Record<string, string[]> = {
  figure: ["kpis", "metric", "sql", "scope", "unit", "filter"],
  line: OVER_TIME,
  bar: [...OVER_TIME, "filter"],
  stacked: OVER_TIME,
  heatmap: [...OVER_TIME, "x", "y", "filter"],
  cohort: ["of", "points", "filter"],
  funnel: ["steps", "filter"],
  scatter: ["x", "y", "size", "filter", "limit"],
  table: ["kpis", "sql", "columns", "sort", "filter", "limit", "scope", "unit"],
  text: ["text"],
};
const OF_EVERY_TILE = ["id", "title", "kind", "description", "width", "height", "waits_for"];

/** The fields of a tile that its kind can have, and those that it has all the same. */
export function tileFields(fields: Field[], tile: Record<string, unknown>): Field[] {
  const own = TILES[String(tile.kind ?? "figure")];
  if (!own) return fields;
  return fields.filter((f) => OF_EVERY_TILE.includes(f.key) || own.includes(f.key) || tile[f.key] !== undefined);
}

function resolve(schema: Schema, root: Schema): Schema {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref) {
    const found = root.definitions?.[ref.split("/").at(-1) ?? ""];
    return found ? { ...resolve(found, root), description: schema.description ?? found.description } : schema;
  }
  const some = schema.anyOf?.find((s) => s.type !== "null");
  return some ? { ...resolve(some, root), description: schema.description ?? some.description } : schema;
}

const types = (schema: Schema): string[] =>
  Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : [];

function choicesOf(schema: Schema): string[] {
  const all = [
    ...(schema.enum ?? []),
    ...(schema.oneOf ?? []).flatMap((s) => s.enum ?? (s.const === undefined ? [] : [s.const])),
  ];
  return all.filter((v): v is string => typeof v === "string");
}

/** What the field takes, in words, for beside it. */
function limitOf(pattern: string | undefined, format: string | undefined): string {
  if (format === "date" || pattern?.includes("\\d{4}-\\d{2}")) return "YYYY-MM-DD";
  if (!pattern) return "";
  if (pattern === "^[A-Z]{3}$") return "three capital letters";
  if (/^\^\[a-z\]\[a-z0-9_-?\]\*\$$/.test(pattern))
    return "lower-case letters, digits and _, a letter first, at most 63";
  if (pattern.includes("quarter")) return "day, month, quarter, or a length such as 12m or 90d";
  if (/d\$$/.test(pattern)) return "a number of days such as 30d";
  return `as ${pattern}`;
}

function field(key: string, raw: Schema, root: Schema, required: boolean): Field | null {
  const schema = resolve(raw, root);
  const choices = choicesOf(schema);
  const kinds = types(schema);
  const description = raw.description ?? schema.description ?? "";
  const made = (kind: FieldKind): Field => ({
    key,
    kind,
    description,
    limit: limitOf(raw.pattern ?? schema.pattern, raw.format ?? schema.format),
    choices,
    required,
  });
  if (key === "rule" || key === "unclassified") return made("rule");
  if (choices.length > 0 && !kinds.includes("array")) return made("choice");
  if (CODE.has(key)) return made("code");
  if (kinds.includes("boolean")) return made("flag");
  if (kinds.includes("array")) {
    const items = schema.items ? resolve(schema.items, root) : {};
    return types(items).includes("string") || choicesOf(items).length > 0
      ? { ...made("list"), choices: choicesOf(items) }
      : null;
  }
  if (kinds.includes("object") || schema.properties) return made("map");
  if (kinds.includes("number") || kinds.includes("integer")) return made("number");
  if (schema.format === "date" || (raw.pattern ?? schema.pattern)?.includes("\\d{4}-\\d{2}")) return made("date");
  return made(key === "description" || key === "text" ? "long" : "text");
}

const fieldsIn = (schema: Schema, root: Schema): Field[] =>
  Object.entries(schema.properties ?? {}).flatMap(
    ([key, s]) => field(key, s, root, schema.required?.includes(key) ?? false) ?? [],
  );

/** The form of a document; null when only its text can be edited. */
export function formOf(schema: Schema | undefined): Form | null {
  if (!schema?.properties) return null;
  const list = Object.entries(schema.properties).find(([, s]) => {
    const items = resolve(s, schema).items;
    return items && resolve(items, schema).properties?.id;
  });
  const maps = Object.entries(schema.properties)
    .filter(([, s]) => typeof resolve(s, schema).additionalProperties === "object")
    .map(([key]) => key);
  const entry = list ? resolve(resolve(list[1], schema).items ?? {}, schema) : null;
  const root = fieldsIn(schema, schema).filter((f) => f.key !== list?.[0] && !maps.includes(f.key));
  return { list: list?.[0] ?? null, fields: entry ? fieldsIn(entry, schema) : [], root, maps };
}

export type Offer = { label: string; detail?: string; type?: string };

/** What may stand at the end of the beginning of a line: the document's keys, a key's words, or names within an expression. */
export function offers(
  before: string,
  form: Form | null,
  names: Offer[],
  references: Record<string, string[]>,
): Offer[] {
  const all = form ? [...form.fields, ...form.root] : [];
  // The last key before the cursor, whose value, or list of values, is not closed yet.
  const inList = /(?:^|[\s{,-])([a-z_]+):\s*\[[^\][]*$/.exec(before);
  const value = inList ?? /(?:^|[\s{,-])([a-z_]+):\s*(?:"|')?([^{}:]*)$/.exec(before);
  const inFlow = !inList && /[{,]\s*\w*$/.test(before) && /\{[^}]*$/.test(before);
  if (!inFlow && value) {
    const known = all.find((f) => f.key === value[1]);
    if (known?.kind === "rule" || known?.kind === "code") return names;
    if (known?.kind === "flag") return [{ label: "true" }, { label: "false" }];
    if (known && known.choices.length > 0) return known.choices.map((label) => ({ label, type: "enum" }));
    const named = references[value[1] ?? ""];
    if (named && named.length > 0) return named.map((label) => ({ label, type: "constant" }));
  }
  if (inFlow || /^\s*(- )?\w*$/.test(before))
    return [
      ...all.map((f) => ({ label: f.key, detail: f.description.split(/[.;:]/)[0], type: "property" })),
      // The lines of a text in several lines are SQL.
      ...(/^\s{6,}/.test(before) ? names : []),
    ];
  return names;
}

/** The fields that differ, as an edit sets them: null takes a field away. */
export function changes(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[key], after[key]];
    const empty = is === undefined || is === "" || is === null || (Array.isArray(is) && is.length === 0);
    if (empty) {
      if (was !== undefined && was !== null) set[key] = null;
    } else if (JSON.stringify(was) !== JSON.stringify(is)) set[key] = is;
  }
  return set;
}
