import type { Change } from "@/api/types";
import { DataTable } from "@/shared/ui/Panel";
import { Empty } from "@/shared/ui/State";

const show = (v: unknown) =>
  v === null || v === undefined ? "nothing" : typeof v === "string" ? v : JSON.stringify(v);

type Field = { field: string; old?: unknown; new?: unknown };
type Entries = Map<string, Record<string, unknown>>;

/** The entries of a list by their ids; null when it is no such list. */
function byId(list: unknown): Entries | null {
  if (!Array.isArray(list)) return null;
  const entries = list.map((e: unknown) => [(e as { id?: unknown } | null)?.id, e] as const);
  return entries.every(([id]) => typeof id === "string") ? (new Map(entries) as Entries) : null;
}

/** A field that differs; of a list of entries, such as a dashboard's tiles, what differs in each. */
function parts(f: Field): Field[] {
  const [old, now] = [byId(f.old), byId(f.new)];
  if (!old || !now) return [f];
  const found: Field[] = [];
  for (const id of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(id), now.get(id)];
    const field = `${f.field}.${id}`;
    if (!was || !is) found.push({ field, old: was, new: is });
    else
      for (const key of new Set([...Object.keys(was), ...Object.keys(is)]))
        if (JSON.stringify(was[key]) !== JSON.stringify(is[key]))
          found.push({ field: `${field}.${key}`, old: was[key], new: is[key] });
  }
  const order = (of: Entries, other: Entries) => [...of.keys()].filter((id) => other.has(id)).join(", ");
  if (order(old, now) !== order(now, old))
    found.push({ field: `order of ${f.field}`, old: order(old, now), new: order(now, old) });
  return found;
}

/** What differs in the definitions, thing by thing. */
export function Changes({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return <Empty title="Both mean the same">At most comments and spelling differ.</Empty>;
  return (
    <DataTable
      caption="Changes"
      rows={changes}
      rowKey={(c) => `${c.what} ${c.id}`}
      cols={[
        {
          label: "What",
          show: (c) => (
            <span>
              {c.what.replace("_", " ")} <code>{c.id}</code>
            </span>
          ),
        },
        { label: "How", show: (c) => c.kind },
        {
          label: "Fields",
          show: (c) =>
            c.kind === "changed"
              ? c.fields.flatMap(parts).map((f) => (
                  <div key={f.field}>
                    <code>{f.field}</code>: {show(f.old)} → {show(f.new)}
                  </div>
                ))
              : null,
        },
      ]}
    />
  );
}
