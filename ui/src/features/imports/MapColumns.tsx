import { Autocomplete, Select } from "@mantine/core";
import type { ImportColumn, MapLook } from "@/api/types";
import { percent, words } from "@/shared/format";
import ui from "@/shared/ui/ui.module.css";
import css from "./imports.module.css";
import { assign, FORMATS, put, short, spec, targetOf, type Doc, type Target } from "./map";

type Props = { look: MapLook; doc: Doc; change: (doc: Doc, soon?: boolean) => void };

const SKIP = "=skip";
const KEPT = "=kept";

/** One line for each column of the file: what is in it, and what it becomes. */
export function MapColumns({ look, doc, change }: Props) {
  const others = doc.others ?? look.others;
  const names = look.columns.map((c) => c.name);
  return (
    <div className={css.scroll}>
      <table className={`${ui.table} ${ui.stack}`}>
        <caption className="sr">Columns of the file</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">In it</th>
            <th scope="col">Becomes</th>
            <th scope="col">Written as</th>
          </tr>
        </thead>
        <tbody>
          {look.columns.map((column) => (
            <Line
              key={column.name}
              column={column}
              look={look}
              doc={doc}
              others={others}
              become={(target) => change(assign(doc, column.name, target, names, others))}
              change={change}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({
  column,
  look,
  doc,
  others,
  become,
  change,
}: Props & { column: ImportColumn; others: string; become: (target: Target) => void }) {
  const target = targetOf(doc, column.name, others);
  const value = target.to === "field" ? target.field : target.to === "skip" ? SKIP : KEPT;
  return (
    <tr>
      <td data-label="Column">
        <span className="mono">{column.name}</span>
      </td>
      <td data-label="In it">
        <span className={css.samples}>{column.samples.join(" · ") || "nothing in the first rows"}</span>
        <span className="dim small nowrap">
          {percent(column.filled, 0)} filled, {column.distinct} different
        </span>
      </td>
      <td data-label="Becomes">
        <Select
          aria-label={`What ${column.name} becomes`}
          searchable
          allowDeselect={false}
          value={value}
          data={choices(look, doc, column.name, others, target)}
          onChange={(v) => {
            if (v === SKIP) become({ to: "skip" });
            else if (v === KEPT) become({ to: "kept" });
            else if (v) become({ to: "field", field: v });
          }}
        />
      </td>
      <td data-label="Written as">
        {target.to === "field" ? <Spelling field={target.field} look={look} doc={doc} change={change} /> : null}
      </td>
    </tr>
  );
}

function choices(look: MapLook, doc: Doc, column: string, others: string, target: Target) {
  const field = (f: string, required: boolean) => ({ value: f, label: `${words(f)}${required ? " (needed)" : ""}` });
  const known = look.fields.map((f) => field(f.name, f.required));
  const attributes =
    look.kind === "accounts"
      ? look.attributes
          .filter((a) => !look.fields.some((f) => f.name === a))
          .map((a) => field(`attributes.${a}`, false))
      : [];
  const own =
    target.to === "field" && ![...known, ...attributes].some((k) => k.value === target.field)
      ? [{ value: target.field, label: target.field }]
      : [];
  const used = Object.keys(doc.fields ?? {}).some((f) => spec(doc.fields?.[f]).column === column);
  const rest = [
    { value: SKIP, label: used && target.to !== "field" ? "Not taken as it is" : "Left out" },
    ...(others === "ignore" && look.kind !== "accounts" && look.kind !== "contacts"
      ? []
      : [{ value: KEPT, label: others === "properties" ? "Kept as a property" : "Kept as an attribute" }]),
  ];
  return [
    { group: "Otherwise", items: [...rest, ...own] },
    { group: "Fields", items: known },
    ...(attributes.length > 0 ? [{ group: "Attributes of the program", items: attributes }] : []),
  ];
}

/** How the texts of a field are written, where that has to be said. */
function Spelling({ field, look, doc, change }: Props & { field: string }) {
  const type = look.fields.find((f) => f.name === field)?.type;
  const it = spec(doc.fields?.[field]);
  if (type === "day" || type === "instant")
    return (
      <Autocomplete
        aria-label={`Format of ${field}`}
        placeholder="ISO, or seconds since 1970"
        value={it.format ?? ""}
        data={FORMATS}
        onChange={(format) => change(put(doc, field, { ...it, format }), true)}
      />
    );
  if (type === "money" || type === "number" || type === "integer")
    return (
      <Select
        aria-label={`Decimal mark of ${field}`}
        value={it.decimal ?? doc.decimal ?? "."}
        allowDeselect={false}
        data={[
          { value: ".", label: "1,234.56" },
          { value: ",", label: "1.234,56" },
        ]}
        onChange={(decimal) => {
          const plain = decimal === "." && doc.decimal === undefined;
          change({
            ...doc,
            fields: { ...doc.fields, [field]: short({ ...it, decimal: plain ? undefined : (decimal ?? undefined) }) },
          });
        }}
      />
    );
  const values = Object.keys(it.values ?? {}).length;
  return values > 0 ? <span className="dim">{values} words translated</span> : null;
}
