import { Button, Checkbox, Modal } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { MergeComparison, MergeField, MergeSide } from "@/api/types";
import { money, number, scalar, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import ui from "@/shared/ui/ui.module.css";
import css from "./duplicates.module.css";
import { afterMerge, comparisonQuery, mergeAccounts, partAccounts } from "./queries";

/** Two accounts side by side: which stays, whose values are shown, what comes along. */
export function MergeDialog({ one, other, close }: { one: string; other: string; close: () => void }) {
  const [swapped, setSwapped] = useState(false);
  const [survivor, merged] = swapped ? [other, one] : [one, other];
  const compared = useQuery(comparisonQuery(survivor, merged));
  return (
    <Modal opened onClose={close} size="xl" title="Merge two accounts" closeButtonProps={{ "aria-label": "Close" }}>
      <Loaded of={compared} lines={10}>
        {(data) => <Compared key={survivor} data={data} swap={() => setSwapped(!swapped)} close={close} />}
      </Loaded>
    </Modal>
  );
}

const BELONGINGS = [
  ["contacts", "Contacts"],
  ["subscriptions", "Running subscriptions"],
  ["notes", "Notes"],
  ["handovers", "Hand-overs"],
  ["owner_moves", "Changes of owner"],
] as const;

function Compared({ data, swap, close }: { data: MergeComparison; swap: () => void; close: () => void }) {
  const queries = useQueryClient();
  const [choices, setChoices] = useState<Record<string, MergeSide>>({});
  const [all, setAll] = useState(false);
  const clashes = data.fields.filter((f) => f.clash).length;
  const shown = all ? data.fields : data.fields.filter((f) => f.clash);
  const merge = useMutation({
    mutationFn: () => mergeAccounts(data.survivor.account_id, data.merged.account_id, choices),
    onSuccess: async (made) => {
      close();
      await afterMerge(queries);
      toast(`${made.merged_name} is one with ${made.survivor_name} now.`, async () => {
        await partAccounts(made.id);
        await afterMerge(queries);
      });
    },
  });
  const sides = [data.survivor, data.merged] as const;
  return (
    <div className={css.dialog}>
      <p className="dim">
        Nothing is moved or lost: what is kept of the one is shown in the other until they are parted again. Events that
        arrive for either count for the one that stays.
      </p>
      <table className={ui.table}>
        <caption className="sr">Side by side</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">
              {data.survivor.name} <span className="dim">stays</span>
            </th>
            <th scope="col">
              {data.merged.name} <span className="dim">is merged into it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">MRR</th>
            {sides.map((s) => (
              <td key={s.account_id}>
                {money(s.mrr, s.currency)} {s.active ? "" : "(not active)"}
              </td>
            ))}
          </tr>
          {BELONGINGS.map(([key, label]) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              {sides.map((s) => (
                <td key={s.account_id}>{number(s[key], 0)}</td>
              ))}
            </tr>
          ))}
          {shown.map((f) => (
            <Field
              key={f.field}
              field={f}
              side={choices[f.field]}
              choose={(s) => setChoices({ ...choices, [f.field]: s })}
            />
          ))}
        </tbody>
      </table>
      <div className={css.bar}>
        <span className="dim">
          {clashes === 0
            ? "They contradict each other in nothing."
            : `They differ in ${number(clashes, 0)} fields: the chosen value is shown, the other is remembered.`}
        </span>
        {data.fields.length > clashes ? (
          <Checkbox label="Show all fields" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />
        ) : null}
      </div>
      {data.obstacle ? (
        <p role="alert" className={css.obstacle}>
          <Icon name="warning" /> {data.obstacle}
        </p>
      ) : null}
      {merge.error ? <Problem inline error={merge.error} /> : null}
      <div className={css.bar}>
        <Button loading={merge.isPending} disabled={data.obstacle !== null} onClick={() => merge.mutate()}>
          Merge into {data.survivor.name}
        </Button>
        <Button variant="default" leftSection={<Icon name="conflict" />} onClick={swap}>
          The other way round
        </Button>
        <Button variant="subtle" onClick={close}>
          Cancel
        </Button>
      </div>
    </div>
  );
}

function Field({ field: f, side, choose }: { field: MergeField; side?: MergeSide; choose: (s: MergeSide) => void }) {
  const chosen: MergeSide = side ?? (f.survivor === null ? "merged" : "survivor");
  const cell = (which: MergeSide, value: unknown) =>
    f.clash ? (
      <label className={css.choice}>
        <input
          type="radio"
          name={`field-${f.field}`}
          checked={chosen === which}
          onChange={() => choose(which)}
          aria-label={`${words(f.field)}: ${scalar(value)}`}
        />{" "}
        {scalar(value)}
      </label>
    ) : (
      scalar(value)
    );
  return (
    <tr>
      <th scope="row">{words(f.field)}</th>
      <td>{cell("survivor", f.survivor)}</td>
      <td>{cell("merged", f.merged)}</td>
    </tr>
  );
}
