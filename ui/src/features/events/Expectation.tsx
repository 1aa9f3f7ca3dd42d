import { Button, Group, NumberInput, Radio, Select } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Source } from "@/api/types";
import { seconds } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import css from "./events.module.css";

const UNITS = [
  { value: "3600", label: "hours" },
  { value: "86400", label: "days" },
];

/** How long a source may be silent before an alarm is raised. */
export function Expectation({ source, done }: { source: Source; done: () => void }) {
  const queries = useQueryClient();
  const { expectation: e } = source;
  const start = e.every_s ?? e.learned_s ?? 86_400;
  const [mode, setMode] = useState(e.muted ? "muted" : e.set ? "set" : "learned");
  const [unit, setUnit] = useState(start % 86_400 === 0 ? "86400" : "3600");
  const [amount, setAmount] = useState<number | string>(Math.max(1, Math.round(start / Number(unit))));
  const save = useMutation({
    mutationFn: () =>
      take(
        api.PUT("/api/v1/sources/{source}/expectation", {
          params: { path: { source: source.source } },
          body: {
            version: e.version,
            every_s: mode === "set" ? Math.round(Number(amount) * Number(unit)) : undefined,
            muted: mode === "muted",
          },
        }),
      ),
    onSuccess: async () => {
      done();
      await queries.invalidateQueries({ queryKey: ["sources"] });
    },
  });
  return (
    <Panel title={`What is expected of ${source.source}`}>
      <form
        className={css.stack}
        onSubmit={(ev) => {
          ev.preventDefault();
          save.mutate();
        }}
      >
        <Radio.Group label="An alarm is raised" value={mode} onChange={setMode}>
          <Group mt="xs" gap="md">
            <Radio
              value="learned"
              label={
                e.learned_s === null
                  ? "when its own past is known well enough"
                  : `after ${seconds(e.learned_s)} of silence, as its own past teaches`
              }
            />
            <Radio value="set" label="after a time that I set" />
            <Radio value="muted" label="never" />
          </Group>
        </Radio.Group>
        {mode === "set" ? (
          <Group gap="sm" align="flex-end">
            <NumberInput label="Silent for" min={1} max={2160} value={amount} onChange={setAmount} w={120} />
            <Select
              aria-label="Unit"
              data={UNITS}
              value={unit}
              allowDeselect={false}
              onChange={(u) => setUnit(u ?? "3600")}
              w={110}
            />
          </Group>
        ) : null}
        {save.error ? <Problem inline error={save.error} /> : null}
        <Group gap="sm">
          <Button type="submit" size="xs" loading={save.isPending}>
            Keep
          </Button>
          <Button size="xs" variant="subtle" onClick={done}>
            Close
          </Button>
        </Group>
      </form>
    </Panel>
  );
}
