import { Button, Select, Switch, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { OwnerSettings, OwnerSettingsAnswer } from "@/api/types";
import { instant } from "@/shared/days";
import { number } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import { Icon } from "@/shared/ui/Icon";
import { moved, replace, without } from "./names";
import { OwnerPicker } from "./OwnerPicker";
import css from "./owners.module.css";
import { PreviewTable } from "./PreviewTable";
import { Checklist, People, Pools, type Change } from "./RuleParts";
import { ownerSettingsQuery } from "./queries";
import { SPREADS, useOwnersChanged } from "./Reassign";

/** Who gets which accounts by rule: people, pools, rules, and what a change of owner starts. */
export function Rules() {
  const answer = useQuery(ownerSettingsQuery);
  return (
    <Loaded of={answer} lines={8}>
      {(data) => <Form data={data} />}
    </Loaded>
  );
}

/** What is being changed stays here until it is saved; somebody else's change in the meantime is shown, never overwritten. */
function Form({ data }: { data: OwnerSettingsAnswer }) {
  const [draft, setDraft] = useState<OwnerSettings>(data.settings);
  const [version, setVersion] = useState(data.version);
  const changed = useOwnersChanged();
  const dirty = JSON.stringify(draft) !== JSON.stringify(data.settings);
  // Nothing is being changed: follow what others saved.
  if (version !== data.version && !dirty) setVersion(data.version);
  const [seen, setSeen] = useState(data.version);
  if (seen !== data.version) {
    setSeen(data.version);
    if (version === data.version) setDraft(data.settings);
  }
  const save = useMutation({
    mutationFn: () => take(api.PUT("/api/v1/owner-settings", { body: { version, settings: draft } })),
    onSuccess: async (saved) => {
      setVersion(saved.version);
      setDraft(saved.settings);
      await changed();
    },
    onError: () => void changed(),
  });
  const preview = useMutation({
    mutationFn: (scope: "unassigned" | "unserved" | "all") =>
      take(api.POST("/api/v1/owner-assignments/preview", { body: { scope, settings: draft } })),
  });
  const run = useMutation({
    mutationFn: (scope: "unassigned" | "unserved" | "all") =>
      take(api.POST("/api/v1/owner-assignments", { body: { scope, version } })),
    onSuccess: changed,
  });
  const change: Change = (next) => {
    setDraft((was) => ({ ...was, ...next }));
    preview.reset();
    run.reset();
  };
  const conflict = save.error instanceof ApiProblem && save.error.status === 409;
  const scope = preview.variables ?? "unassigned";
  return (
    <form
      className={css.stack}
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate();
      }}
    >
      <RuleList draft={draft} change={change} />
      <Pools draft={draft} change={change} />
      <People draft={draft} change={change} />
      <Checklist draft={draft} change={change} />
      <div className={css.buttons}>
        <Button type="submit" loading={save.isPending} disabled={!dirty}>
          Save
        </Button>
        <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate("unassigned")}>
          Preview for unassigned
        </Button>
        <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate("unserved")}>
          Preview where the owner does not fit
        </Button>
        <Button variant="default" loading={preview.isPending} onClick={() => preview.mutate("all")}>
          Preview for everybody
        </Button>
        <span className="dim">
          {data.changed_at ? `Version ${data.version}, ${instant(data.changed_at)}` : "Never changed"}
        </span>
      </div>
      {conflict ? (
        <div role="alert" className={css.conflict}>
          <p>
            Somebody saved version {data.version} while you were changing version {version}. Yours is still here:{" "}
            {difference(data.settings, draft)}.
          </p>
          <div className={css.buttons}>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                setDraft(data.settings);
                setVersion(data.version);
                save.reset();
              }}
            >
              Take theirs
            </Button>
            <Button
              size="xs"
              onClick={() => {
                setVersion(data.version);
                save.reset();
              }}
            >
              Keep mine, to be saved over it
            </Button>
          </div>
        </div>
      ) : save.error ? (
        <Problem inline error={save.error} />
      ) : null}
      {preview.error ? <Problem inline error={preview.error} /> : null}
      {preview.data ? (
        <Panel
          title={dirty ? "What the rules as written here would do" : "What the rules would do"}
          aside={
            <Button
              size="xs"
              disabled={dirty || preview.data.moved === 0 || run.data !== undefined}
              loading={run.isPending}
              onClick={() => run.mutate(scope)}
            >
              {dirty ? "Save before running" : `Assign ${number(preview.data.moved, 0)}`}
            </Button>
          }
        >
          {run.data ? (
            <p role="status">
              <strong>{number(run.data.accounts, 0)} accounts were assigned.</strong> It can be taken back under
              Changes.
            </p>
          ) : null}
          {run.error ? <Problem inline error={run.error} /> : null}
          <PreviewTable preview={preview.data} currency={null} />
        </Panel>
      ) : null}
    </form>
  );
}

/** Which parts differ, in words. */
function difference(theirs: OwnerSettings, mine: OwnerSettings): string {
  const parts = (["rules", "pools", "people", "checklist", "live"] as const).filter(
    (part) => JSON.stringify(theirs[part]) !== JSON.stringify(mine[part]),
  );
  return parts.length === 0 ? "both say the same" : `it differs in ${parts.join(", ")}`;
}

function RuleList({ draft, change }: { draft: OwnerSettings; change: Change }) {
  const set = (at: number, next: Partial<OwnerSettings["rules"][number]>) =>
    change({ rules: replace(draft.rules, at, next) });
  return (
    <Panel
      title="Rules, in order"
      aside={
        <Switch
          label="Live: assign new accounts at once"
          checked={draft.live}
          onChange={(e) => change({ live: e.currentTarget.checked })}
        />
      }
    >
      {draft.rules.length === 0 ? (
        <p className="dim">No rule yet. The first rule that is true for an account names its owner.</p>
      ) : null}
      {draft.rules.map((r, at) => (
        <div className={css.rule} key={at} role="group" aria-label={`Rule ${at + 1}`}>
          <span className="dim">{at + 1}</span>
          <TextInput label="Name" required value={r.name} onChange={(e) => set(at, { name: e.currentTarget.value })} />
          <TextInput
            label="When"
            required
            placeholder="segment = 'digital' AND mrr < 300"
            value={r.when}
            spellCheck={false}
            onChange={(e) => set(at, { when: e.currentTarget.value })}
          />
          <OwnerPicker label="Owner" required value={r.to} change={(to) => set(at, { to })} />
          <Select
            label="How"
            data={
              r.to.startsWith("pool:") ? SPREADS : SPREADS.slice(0, 1).map((s) => ({ ...s, label: "To this person" }))
            }
            value={r.to.startsWith("pool:") ? r.spread : "shared"}
            allowDeselect={false}
            onChange={(v) => set(at, { spread: SPREADS.find((s) => s.value === v)?.value ?? "shared" })}
          />
          <div className={css.buttons}>
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`Rule ${at + 1} earlier`}
              disabled={at === 0}
              onClick={() => change({ rules: moved(draft.rules, at, -1) })}
            >
              <Icon name="arrowUp" size={13} />
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`Rule ${at + 1} later`}
              disabled={at === draft.rules.length - 1}
              onClick={() => change({ rules: moved(draft.rules, at, 1) })}
            >
              <Icon name="arrowDown" size={13} />
            </Button>
            <Button
              size="compact-xs"
              variant="subtle"
              aria-label={`Remove rule ${at + 1}`}
              onClick={() => change({ rules: without(draft.rules, at) })}
            >
              Remove
            </Button>
          </div>
        </div>
      ))}
      <div className={css.buttons}>
        <Button
          size="xs"
          variant="default"
          onClick={() => change({ rules: [...draft.rules, { name: "", when: "", to: "", spread: "shared" }] })}
        >
          Add a rule
        </Button>
      </div>
    </Panel>
  );
}
