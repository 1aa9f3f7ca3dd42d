import { Button, NumberInput, Select, Slider } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { number } from "@/shared/format";
import { Curve } from "./Curve";
import { firstCurve, withAdded } from "./curves";
import type { Measure, Model } from "./models";
import { spreadQuery } from "./queries";
import css from "./scores.module.css";

/** A weight that is dragged or written. */
export function Weight({ label, value, put }: { label: string; value: number; put: (v: number) => void }) {
  return (
    <div className={css.weight}>
      <Slider
        aria-label={label}
        thumbLabel={`${label}, dragged`}
        size="sm"
        min={0}
        max={Math.max(1, Math.ceil(value))}
        step={0.05}
        label={null}
        value={value}
        onChange={put}
      />
      <NumberInput size="xs" label={label} value={value} min={0} step={0.05} w={150} onChange={(v) => put(Number(v))} />
    </div>
  );
}

/** A measure of a group: its weight and its curve. */
export function MeasureForm({
  score,
  model,
  measure,
  put,
  remove,
}: {
  score: string;
  model: string;
  measure: Measure;
  put: (next: Measure) => void;
  /** null = it is the model's only one. */
  remove: (() => void) | null;
}) {
  const [open, setOpen] = useState(false);
  return (
    <details className={css.measure} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        <code>{measure.metric}</code>, weight {number(measure.weight, 2)}
      </summary>
      <Weight
        label={`Weight of ${measure.metric}`}
        value={measure.weight}
        put={(weight) => put({ ...measure, weight })}
      />
      {open ? (
        <Curve score={score} model={model} measure={measure} put={(curve) => put({ ...measure, curve })} />
      ) : null}
      {remove ? (
        <Button size="xs" variant="subtle" color="red" mt={4} onClick={remove}>
          Remove {measure.metric}
        </Button>
      ) : null}
    </details>
  );
}

export type MetricChoice = { id: string; label?: string; better?: string };

/** Adds a metric to a group, with a curve made from how its values are spread today. */
export function AddMeasure({
  score,
  model,
  group,
  metrics,
  put,
}: {
  score: string;
  model: Model;
  group: number;
  metrics: MetricChoice[];
  put: (next: Model) => void;
}) {
  const queries = useQueryClient();
  const [reading, setReading] = useState(false);
  const taken = new Set(model.groups.flatMap((g) => g.measures.map((m) => m.metric)));
  const label = model.groups[group]?.label ?? model.groups[group]?.id ?? "";
  return (
    <Select
      size="xs"
      mt={8}
      w={260}
      searchable
      aria-label={`Add a measure to ${label}`}
      placeholder={reading ? "Reading its values" : "Add a measure"}
      disabled={reading}
      value={null}
      data={metrics.filter((m) => !taken.has(m.id)).map((m) => ({ value: m.id, label: m.label ?? m.id }))}
      onChange={(metric) => {
        const found = metrics.find((m) => m.id === metric);
        if (!found) return;
        setReading(true);
        const add = (quantiles: number[]) =>
          put(withAdded(model, group, found.id, firstCurve(quantiles, found.better)));
        void queries
          .fetchQuery(spreadQuery(score, found.id, model.id))
          .then(
            (spread) => add(spread.quantiles),
            () => add([]),
          )
          .finally(() => setReading(false));
      }}
    />
  );
}
