import type { Change } from "@/api/types";
import { DataTable } from "@/shared/ui/Panel";
import { Empty } from "@/shared/ui/State";

const show = (v: unknown) =>
  v === null || v === undefined ? "nothing" : typeof v === "string" ? v : JSON.stringify(v);

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
              ? c.fields.map((f) => (
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
