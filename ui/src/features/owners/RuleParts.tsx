import { Button, NumberInput, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { OwnerSettings } from "@/api/types";
import { segmentsQuery } from "@/features/segments/queries";
import { Panel } from "@/shared/ui/Panel";
import { addresses, poolId, replace, without } from "./names";
import css from "./owners.module.css";

export type Change = (next: Partial<OwnerSettings>) => void;

function Segments({ value, change, label }: { value: string[]; change: (v: string[]) => void; label: string }) {
  const segments = useQuery(segmentsQuery(undefined)).data?.segments ?? [];
  return (
    <TagsInput
      label={label}
      placeholder={value.length === 0 ? "all" : undefined}
      data={segments.map((s) => s.id)}
      value={value}
      onChange={change}
    />
  );
}

/** People who look after accounts together. */
export function Pools({ draft, change }: { draft: OwnerSettings; change: Change }) {
  const segments = useQuery(segmentsQuery(undefined)).data?.segments ?? [];
  const set = (at: number, next: Partial<OwnerSettings["pools"][number]>) =>
    change({ pools: replace(draft.pools, at, next) });
  const perSegment = () => {
    const fresh = segments.filter((s) => !draft.pools.some((p) => p.id === s.id));
    change({
      pools: [
        ...draft.pools,
        ...fresh.map((s) => ({ id: s.id, name: s.label, description: "", members: [], segments: [s.id] })),
      ],
      rules: [
        ...draft.rules,
        ...fresh.map((s) => ({
          name: s.label,
          when: `segment = '${s.id}'`,
          to: `pool:${s.id}`,
          spread: "shared" as const,
        })),
      ],
    });
  };
  return (
    <Panel title="Pools">
      {draft.pools.map((p, at) => (
        <div className={css.member} key={p.id} role="group" aria-label={`Pool ${p.name}`}>
          <TextInput
            label="Pool"
            description={`pool:${p.id}`}
            required
            value={p.name}
            onChange={(e) => set(at, { name: e.currentTarget.value })}
          />
          <TagsInput
            label="Members"
            placeholder="E-mail addresses"
            splitChars={[",", " ", ";"]}
            value={p.members}
            onChange={(v) => set(at, { members: addresses(v.join(" ")) })}
          />
          <Segments label="Segments served" value={p.segments} change={(v) => set(at, { segments: v })} />
          <Button
            size="xs"
            variant="subtle"
            aria-label={`Remove the pool ${p.name}`}
            onClick={() => change({ pools: without(draft.pools, at) })}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className={css.buttons}>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            change({
              pools: [
                ...draft.pools,
                {
                  id: poolId(
                    "pool",
                    draft.pools.map((p) => p.id),
                  ),
                  name: "New pool",
                  description: "",
                  members: [],
                  segments: [],
                },
              ],
            })
          }
        >
          Add a pool
        </Button>
        <Button size="xs" variant="default" disabled={segments.length === 0} onClick={perSegment}>
          One pool and rule per segment
        </Button>
      </div>
    </Panel>
  );
}

/** Who has limits: segments, a number of accounts, an absence. */
export function People({ draft, change }: { draft: OwnerSettings; change: Change }) {
  const set = (at: number, next: Partial<OwnerSettings["people"][number]>) =>
    change({ people: replace(draft.people, at, next) });
  return (
    <Panel title="People" aside={<span className="dim">Only whoever has limits needs to stand here.</span>}>
      {draft.people.map((p, at) => (
        <div className={css.member} key={at} role="group" aria-label={`Person ${p.email}`}>
          <TextInput
            label="E-mail"
            required
            value={p.email}
            onChange={(e) => set(at, { email: e.currentTarget.value })}
          />
          <TextInput label="Name" value={p.name} onChange={(e) => set(at, { name: e.currentTarget.value })} />
          <NumberInput
            label="At most, accounts"
            placeholder="any number"
            min={0}
            allowDecimal={false}
            value={p.capacity ?? ""}
            onChange={(v) => set(at, { capacity: typeof v === "number" ? v : null })}
          />
          <Segments label="Segments served" value={p.segments} change={(v) => set(at, { segments: v })} />
          <Switch label="Away" checked={p.away} onChange={(e) => set(at, { away: e.currentTarget.checked })} />
          <Button
            size="xs"
            variant="subtle"
            aria-label={`Remove ${p.email}`}
            onClick={() => change({ people: without(draft.people, at) })}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className={css.buttons}>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            change({ people: [...draft.people, { email: "", name: "", segments: [], capacity: null, away: false }] })
          }
        >
          Add a person
        </Button>
      </div>
    </Panel>
  );
}

/** The checklist that a change of owner starts. */
export function Checklist({ draft, change }: { draft: OwnerSettings; change: Change }) {
  const set = (at: number, next: Partial<OwnerSettings["checklist"][number]>) =>
    change({ checklist: replace(draft.checklist, at, next) });
  return (
    <Panel title="What a change of owner starts">
      {draft.checklist.map((c, at) => (
        <div className={css.member} key={at} role="group" aria-label={`Item ${at + 1}`}>
          <TextInput
            label="To do"
            required
            value={c.title}
            onChange={(e) => set(at, { title: e.currentTarget.value })}
          />
          <NumberInput
            label="Due after, days"
            min={0}
            max={366}
            allowDecimal={false}
            value={c.due_days}
            onChange={(v) => set(at, { due_days: typeof v === "number" ? v : 0 })}
          />
          <Button
            size="xs"
            variant="subtle"
            aria-label={`Remove item ${at + 1}`}
            onClick={() => change({ checklist: without(draft.checklist, at) })}
          >
            Remove
          </Button>
        </div>
      ))}
      <div className={css.buttons}>
        <Button
          size="xs"
          variant="default"
          onClick={() => change({ checklist: [...draft.checklist, { title: "", due_days: 7 }] })}
        >
          Add an item
        </Button>
      </div>
    </Panel>
  );
}
