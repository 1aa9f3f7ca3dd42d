import { MultiSelect, NativeSelect, NumberInput, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { TileDefinition } from "@/api/types";
import { kpisQuery } from "@/features/kpis/queries";
import { namesQuery } from "@/features/segments/queries";
import css from "./editing.module.css";

export type FieldsProps = { tile: TileDefinition; set: (fields: Partial<TileDefinition>) => void };

const GRAINS = [
  { value: "day", label: "Days" },
  { value: "week", label: "Weeks" },
  { value: "month", label: "Months" },
  { value: "quarter", label: "Quarters" },
];
const MEASURES = [
  { value: "value", label: "The figure" },
  { value: "numerator", label: "Its numerator" },
  { value: "denominator", label: "Its denominator" },
];

/** The names that accounts have, for choosers: attributes that can split, numbers that can be measured. */
export function useNames() {
  const known = useQuery(namesQuery).data;
  const names = known?.names ?? [];
  const choice = (n: { name: string; label: string }) => ({ value: n.name, label: n.label || n.name });
  const plain = names.filter((n) => !["account_id", "name"].includes(n.name));
  const groups = plain.filter((n) => n.kind === "attribute" && ["text", "boolean"].includes(n.type));
  const numbers = plain.filter((n) => ["number", "integer", "money"].includes(n.type));
  const always = [
    { value: "segment", label: "Segment" },
    { value: "owner", label: "Owner" },
  ];
  return {
    groups: [...always, ...groups.map(choice)],
    /** What figures can be split by: as groups, and the lifecycle stage where the program names one. */
    splits: [
      ...always,
      ...(known?.lifecycle_stage ? [{ value: "stage", label: "Lifecycle stage" }] : []),
      ...groups.filter((n) => n.name !== known?.lifecycle_stage).map(choice),
    ],
    numbers: numbers.map(choice),
    columns: [{ value: "segment", label: "Segment" }, ...plain.map(choice)].filter(
      (c, at, all) => all.findIndex((o) => o.value === c.value) === at,
    ),
  };
}

/** A tile of KPIs: which, split by what, over what time. */
export function KpiFields({ tile, set }: FieldsProps) {
  const kpis = useQuery(kpisQuery(undefined)).data?.kpis ?? [];
  const { splits: parts } = useNames();
  const choices = [...new Map(kpis.map((k) => [k.kpi, { value: k.kpi, label: k.label }])).values()];
  const many = tile.kind === "line" || tile.kind === "table";
  const splits = ["line", "bar", "stacked", "heatmap"].includes(tile.kind) && (tile.kpis?.length ?? 0) <= 1;
  const over = ["line", "stacked", "heatmap"].includes(tile.kind) || (tile.kind === "bar" && !tile.by);
  const common = { size: "xs" as const, comboboxProps: { withinPortal: false } };
  return (
    <>
      {many ? (
        <MultiSelect
          {...common}
          label="KPIs"
          searchable
          maxValues={tile.kind === "line" ? 6 : 40}
          data={choices}
          value={tile.kpis ?? []}
          onChange={(v) => set({ kpis: v, by: v.length > 1 ? undefined : tile.by })}
        />
      ) : (
        <Select
          {...common}
          label="KPI"
          searchable
          data={choices}
          value={tile.kpis?.[0] ?? null}
          onChange={(v) => set({ kpis: v ? [v] : [] })}
        />
      )}
      <div className={css.pair}>
        {splits ? (
          <NativeSelect
            size="xs"
            label="By"
            value={tile.by ?? ""}
            onChange={(e) => set({ by: e.currentTarget.value || undefined })}
            data={[
              { value: "", label: "Nothing" },
              { value: "item", label: "Its own parts (such as reasons)" },
              ...parts,
            ]}
          />
        ) : null}
        {tile.kind === "figure" || tile.kind === "table" ? null : (
          <NativeSelect
            size="xs"
            label="Shows"
            value={tile.measure ?? "value"}
            onChange={(e) => set({ measure: e.currentTarget.value as TileDefinition["measure"] })}
            data={MEASURES}
          />
        )}
        {over ? (
          <>
            <NativeSelect
              size="xs"
              label="In steps of"
              value={tile.grain ?? "month"}
              onChange={(e) => set({ grain: e.currentTarget.value as TileDefinition["grain"] })}
              data={GRAINS}
            />
            <NumberInput
              size="xs"
              label="How many"
              min={1}
              max={120}
              value={tile.points ?? 13}
              onChange={(v) => set({ points: Number(v) || undefined })}
            />
          </>
        ) : null}
      </div>
    </>
  );
}
