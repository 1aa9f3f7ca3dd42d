/** A metric of the events of a name, as a definition to start from (docs/program.md). Pure. */
export type Draft = { id: string; yaml: string };

const plain = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "") || "events";

const quoted = (text: string) => (/^[a-z][a-z0-9_]*$/.test(text) ? text : JSON.stringify(text));

/** How often it happened in 30 days; of a property: how many different ones, or their sum where they are numbers. */
export function draft(name: string, property?: { name: string; types: string[] }): Draft {
  const base = plain(name);
  const lines = (id: string, label: string, rest: string[]) =>
    [`- id: ${id}`, `  label: ${JSON.stringify(label)}`, "  unit: number", ...rest.map((r) => `  ${r}`)].join("\n") +
    "\n";
  if (!property)
    return {
      id: `${base}_30d`,
      yaml: lines(`${base}_30d`, `${name}, 30 days`, ["measure: count", `events: [${quoted(name)}]`, "window: 30d"]),
    };
  const sum = property.types[0] === "number";
  const id = `${base}_${plain(property.name)}_30d`;
  const path = property.name.replaceAll("'", "''");
  return {
    id,
    yaml: lines(id, `${name}: ${property.name}, 30 days`, [
      `measure: ${sum ? "sum" : "distinct"}`,
      `events: [${quoted(name)}]`,
      `of: ${JSON.stringify(sum ? `prop_num(properties, '${path}')` : `prop(properties, '${path}')`)}`,
      "window: 30d",
    ]),
  };
}
