/**
 * A segment's rule as rows: any of several groups, in each of which all rows hold. What rows cannot say stays SQL, and a rule
 * that nobody changed keeps its own text.
 */
export type Op =
  "=" | "<>" | ">" | ">=" | "<" | "<=" | "is null" | "is not null" | "in" | "not in" | "is true" | "is false";
export type Row = { name: string; op: Op; values: Literal[] };
export type Literal = string | number | boolean;
/** No group at all is the rule that takes everything. */
export type Rule = { groups: Row[][] };

export const OPS: { op: Op; label: string }[] = [
  { op: "=", label: "is" },
  { op: "<>", label: "is not" },
  { op: ">", label: "more than" },
  { op: ">=", label: "at least" },
  { op: "<", label: "less than" },
  { op: "<=", label: "at most" },
  { op: "in", label: "is one of" },
  { op: "not in", label: "is none of" },
  { op: "is null", label: "is unknown" },
  { op: "is not null", label: "is known" },
  { op: "is true", label: "is true" },
  { op: "is false", label: "is false" },
];

/** The comparisons that make sense for a type. */
export function opsFor(type: string): Op[] {
  if (type === "boolean") return ["is true", "is false", "is null", "is not null"];
  if (type === "text") return ["=", "<>", "in", "not in", "is null", "is not null"];
  return ["=", "<>", ">", ">=", "<", "<=", "is null", "is not null"];
}

type Token = { kind: "name" | "number" | "text" | "mark"; text: string };

function tokens(sql: string): Token[] | null {
  const out: Token[] = [];
  const pattern = /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(-?\d+(?:\.\d+)?)(?![\w.])|'((?:[^']|'')*)'|(<>|!=|>=|<=|[=<>(),]))/y;
  let at = 0;
  const end = sql.trimEnd().length;
  while (at < end) {
    pattern.lastIndex = at;
    const found = pattern.exec(sql);
    if (!found) return null;
    at = pattern.lastIndex;
    const [, name, number, quoted, mark] = found;
    if (name !== undefined) out.push({ kind: "name", text: name });
    else if (number !== undefined) out.push({ kind: "number", text: number });
    else if (quoted !== undefined) out.push({ kind: "text", text: quoted.replaceAll("''", "'") });
    else out.push({ kind: "mark", text: mark ?? "" });
  }
  return out;
}

const RESERVED = new Set(["and", "or", "not", "is", "null", "in", "true", "false", "between", "like", "case", "cast"]);

/** Reads a rule as rows; null when rows cannot say it. */
export function parse(sql: string): Rule | null {
  const all = tokens(sql);
  if (!all || all.length === 0) return null;
  let at = 0;
  const word = (text: string) => all[at]?.kind === "name" && all[at]?.text.toLowerCase() === text;
  const mark = (text: string) => all[at]?.kind === "mark" && all[at]?.text === text;
  const literal = (): Literal | null => {
    const t = all[at];
    if (!t) return null;
    at += 1;
    if (t.kind === "number") return Number(t.text);
    if (t.kind === "text") return t.text;
    if (t.kind === "name" && /^(true|false)$/i.test(t.text)) return t.text.toLowerCase() === "true";
    return null;
  };
  const list = (): Literal[] | null => {
    if (!mark("(")) return null;
    const values: Literal[] = [];
    do {
      at += 1;
      const value = literal();
      if (value === null) return null;
      values.push(value);
    } while (mark(","));
    if (!mark(")")) return null;
    at += 1;
    return values;
  };
  const row = (): Row | null => {
    const negated = word("not");
    if (negated) at += 1;
    const t = all[at];
    if (t?.kind !== "name" || RESERVED.has(t.text.toLowerCase())) return null;
    at += 1;
    const name = t.text;
    if (negated) return { name, op: "is false", values: [] };
    if (word("is")) {
      at += 1;
      const not = word("not");
      if (not) at += 1;
      if (!word("null")) return null;
      at += 1;
      return { name, op: not ? "is not null" : "is null", values: [] };
    }
    const not = word("not");
    if (not) at += 1;
    if (word("in")) {
      at += 1;
      const values = list();
      return values ? { name, op: not ? "not in" : "in", values } : null;
    }
    if (not) return null;
    const next = all[at];
    if (next?.kind !== "mark" || next.text === ")" || next.text === "(" || next.text === ",")
      return { name, op: "is true", values: [] };
    at += 1;
    const value = literal();
    if (value === null) return null;
    return { name, op: (next.text === "!=" ? "<>" : next.text) as Op, values: [value] };
  };
  if (all.length === 1 && word("true")) return { groups: [] };
  const groups: Row[][] = [[]];
  for (;;) {
    const one = row();
    if (!one) return null;
    groups.at(-1)?.push(one);
    if (at === all.length) return { groups };
    if (word("or")) groups.push([]);
    else if (!word("and")) return null;
    at += 1;
  }
}

const quote = (value: Literal): string =>
  typeof value === "string"
    ? `'${value.replaceAll("'", "''")}'`
    : typeof value === "boolean"
      ? String(value).toUpperCase()
      : String(value);

function rowText({ name, op, values }: Row): string {
  switch (op) {
    case "is null":
      return `${name} IS NULL`;
    case "is not null":
      return `${name} IS NOT NULL`;
    case "is true":
      return name;
    case "is false":
      return `NOT ${name}`;
    case "in":
    case "not in":
      return `${name} ${op === "in" ? "IN" : "NOT IN"} (${values.map(quote).join(", ")})`;
    default:
      return `${name} ${op} ${quote(values[0] ?? "")}`;
  }
}

/** The rule as SQL. */
export function write(rule: Rule): string {
  const groups = rule.groups.filter((g) => g.length > 0);
  return groups.length === 0 ? "TRUE" : groups.map((g) => g.map(rowText).join(" AND ")).join(" OR ");
}

/** What was typed into a value field, in the type of the name. */
export function literalOf(text: string, type: string): Literal {
  const number = Number(text.replaceAll(",", ""));
  return type !== "text" && type !== "date" && text.trim() !== "" && Number.isFinite(number) ? number : text;
}
