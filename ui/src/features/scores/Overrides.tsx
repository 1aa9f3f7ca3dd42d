import { Button, Modal, NumberInput, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { day } from "@/shared/days";
import { number } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import type { AccountScore, ScoreOverride } from "./queries";
import css from "./scores.module.css";

const inDays = (from: string, days: number): string =>
  new Date(Date.parse(`${from}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** A person's word against the model's: cap or set the score until a day, with a reason that everybody reads. */
export function Overrides({ a, close }: { a: AccountScore; close: () => void }) {
  const queries = useQueryClient();
  const [rule, setRule] = useState("cap");
  const [points, setPoints] = useState<number | string>(40);
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState(inDays(a.as_of, 30));
  const again = () => queries.invalidateQueries({ queryKey: ["scores"] });
  const done = async () => {
    await again();
    close();
  };
  const add = (body: { rule: string; points: number; reason: string; until: string }) =>
    take(
      api.POST("/api/v1/accounts/{id}/score-overrides", {
        params: { path: { id: a.account_id } },
        body: { score: a.score?.id, ...body },
      }),
    );
  const takeAway = (o: Pick<ScoreOverride, "id" | "version">) =>
    take(api.DELETE("/api/v1/score-overrides/{id}", { params: { path: { id: o.id }, query: { version: o.version } } }));
  const save = useMutation({
    mutationFn: () => add({ rule, points: Number(points), reason: reason.trim(), until }),
    onSuccess: async (made) => {
      await done();
      toast(`The score of ${a.name} is overridden.`, async () => {
        await takeAway(made);
        await again();
      });
    },
  });
  const remove = useMutation({
    mutationFn: takeAway,
    onSuccess: async ({ rule, points, reason, until }) => {
      await done();
      toast(`The override of ${a.name} is taken away.`, async () => {
        await add({ rule, points, reason, until });
        await again();
      });
    },
  });
  const error = save.error ?? remove.error;
  return (
    <Modal
      opened
      onClose={close}
      title={<strong>Override the score of {a.name}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        className={css.form}
        onSubmit={(e) => {
          e.preventDefault();
          if (reason.trim()) save.mutate();
        }}
      >
        <SegmentedControl
          aria-label="What it does"
          value={rule}
          onChange={setRule}
          data={[
            { value: "cap", label: "At most" },
            { value: "set", label: "Exactly" },
          ]}
        />
        <NumberInput label="Points" min={0} max={100} value={points} onChange={setPoints} required />
        <Textarea
          label="Why"
          description="Everybody who sees the score reads it."
          autosize
          minRows={2}
          maxLength={500}
          required
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
        />
        <TextInput
          type="date"
          label="Until"
          required
          min={a.as_of}
          value={until}
          onChange={(e) => setUntil(e.currentTarget.value)}
        />
        {error ? <Problem inline error={error} /> : null}
        <Button type="submit" loading={save.isPending} disabled={reason.trim() === ""}>
          Override the score
        </Button>
      </form>
      {a.overrides.length > 0 ? (
        <>
          <h3 className={css.sub}>So far</h3>
          <ul className={css.list}>
            {a.overrides.map((o) => (
              <li key={o.id}>
                {o.rule === "cap" ? "At most" : "Exactly"} {number(o.points, 1)}, {day(o.from)} to {day(o.until)}:{" "}
                {o.reason} <span className="dim">({o.author})</span>{" "}
                {o.removed_at ? (
                  <span className="dim">taken away by {o.removed_by}</span>
                ) : o.until >= a.as_of ? (
                  <Button size="compact-xs" variant="default" onClick={() => remove.mutate(o)}>
                    Take it away
                  </Button>
                ) : (
                  <span className="dim">over</span>
                )}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </Modal>
  );
}
