import { Button, MultiSelect, NativeSelect, NumberInput, Select, TextInput } from "@mantine/core";
import { useNames, type FieldsProps } from "./KpiFields";
import css from "./editing.module.css";

const CONDITION = "Only accounts for which";
const common = { size: "xs" as const, comboboxProps: { withinPortal: false } };

function Condition({ tile, set }: FieldsProps) {
  return (
    <TextInput
      size="xs"
      label={CONDITION}
      placeholder="mrr > 1000 AND logins_30d < 5"
      description="A condition as in a segment's rule; all when left empty."
      value={tile.filter ?? ""}
      onChange={(e) => set({ filter: e.currentTarget.value || undefined })}
    />
  );
}

/** A tile of one number of accounts: its mean, its distribution, or its mean in each cell. */
export function MetricFields({ tile, set }: FieldsProps) {
  const { numbers, groups } = useNames();
  return (
    <>
      <Select
        {...common}
        label="Metric"
        searchable
        data={numbers}
        value={tile.metric ?? null}
        onChange={(v) => set({ metric: v ?? undefined })}
      />
      {tile.kind === "heatmap" ? (
        <div className={css.pair}>
          {(["x", "y"] as const).map((axis) => (
            <Select
              key={axis}
              {...common}
              label={axis === "x" ? "Across" : "Down"}
              searchable
              data={groups}
              value={tile[axis] ?? null}
              onChange={(v) => set({ [axis]: v ?? undefined })}
            />
          ))}
        </div>
      ) : null}
      <Condition tile={tile} set={set} />
    </>
  );
}

/** A tile of the accounts themselves: a list, a scatter, a funnel, cohorts. */
export function AccountFields({ tile, set }: FieldsProps) {
  const { numbers, columns } = useNames();
  const steps = tile.steps ?? [];
  return (
    <>
      {tile.kind === "table" ? (
        <>
          <MultiSelect
            {...common}
            label="Columns"
            searchable
            data={columns}
            value={tile.columns ?? []}
            onChange={(v) => set({ columns: v })}
          />
          <div className={css.pair}>
            <Select
              {...common}
              label="Greatest first by"
              searchable
              data={columns}
              value={(tile.sort ?? "-mrr").replace(/^-/, "")}
              onChange={(v) => set({ sort: v ? `-${v}` : undefined })}
            />
            <NumberInput
              size="xs"
              label="Rows at most"
              min={1}
              max={500}
              value={tile.limit ?? 50}
              onChange={(v) => set({ limit: Number(v) || undefined })}
            />
          </div>
        </>
      ) : null}
      {tile.kind === "scatter" ? (
        <div className={css.pair}>
          {(["x", "y", "size"] as const).map((axis) => (
            <Select
              key={axis}
              {...common}
              label={{ x: "Across", y: "Upwards", size: "Larger with" }[axis]}
              searchable
              clearable={axis === "size"}
              data={numbers}
              value={tile[axis] ?? null}
              onChange={(v) => set({ [axis]: v ?? undefined })}
            />
          ))}
        </div>
      ) : null}
      {tile.kind === "cohort" ? (
        <NativeSelect
          size="xs"
          label="Counts"
          value={tile.of ?? "accounts"}
          onChange={(e) => set({ of: e.currentTarget.value === "mrr" ? "mrr" : "accounts" })}
          data={[
            { value: "accounts", label: "Accounts" },
            { value: "mrr", label: "MRR" },
          ]}
        />
      ) : null}
      {tile.kind === "funnel" ? (
        <fieldset className={css.steps}>
          <legend>Steps</legend>
          {steps.map((s, at) => (
            <div key={at} className={css.stepRow}>
              {(["label", "filter"] as const).map((field) => (
                <TextInput
                  key={field}
                  size="xs"
                  aria-label={`${field === "label" ? "Name" : "Condition"} of step ${at + 1}`}
                  value={s[field]}
                  onChange={(e) => {
                    const value = e.currentTarget.value;
                    set({ steps: steps.map((o, i) => (i === at ? { ...o, [field]: value } : o)) });
                  }}
                />
              ))}
              <Button
                size="compact-xs"
                variant="subtle"
                disabled={steps.length <= 2}
                aria-label={`Remove step ${at + 1}`}
                onClick={() => set({ steps: steps.filter((_, i) => i !== at) })}
              >
                Remove
              </Button>
            </div>
          ))}
          <Button
            size="compact-xs"
            variant="default"
            disabled={steps.length >= 12}
            onClick={() => set({ steps: [...steps, { label: `Step ${steps.length + 1}`, filter: "active" }] })}
          >
            Add a step
          </Button>
        </fieldset>
      ) : null}
      <Condition tile={tile} set={set} />
    </>
  );
}
