import { Button, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { WorkingCopy } from "@/api/types";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Problem } from "@/shared/ui/State";
import { Conflict } from "./Conflict";
import { Problems } from "./Problems";
import css from "./program.module.css";
import { Consequences } from "./Trial";
import { useCheck } from "./useCheck";
import { DRAFT, drafted, useDraftWrites } from "./useWorking";

/** The drafts before they are applied: what is wrong with them, what they would change, and the step itself. */
export function Review({
  working,
  mayEdit,
  open,
}: {
  working: WorkingCopy;
  mayEdit: boolean;
  open: (file: string) => void;
}) {
  const queries = useQueryClient();
  const { discard } = useDraftWrites();
  const [note, setNote] = useState("");
  const [seen, setSeen] = useState(false);
  const check = useCheck(working, null);
  const changed = drafted(working);
  const apply = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/program/draft/apply", {
          body: { base_version: working.version, note: note.trim() || undefined },
        }),
      ),
    onSuccess: async () => {
      setNote("");
      await queries.invalidateQueries();
    },
    onError: (error) => {
      if (error instanceof ApiProblem && error.status === 409) void queries.invalidateQueries({ queryKey: DRAFT });
    },
  });
  if (changed.length === 0)
    return (
      <div className={css.stack}>
        {apply.data ? (
          <p role="status">Version {apply.data.version} is in force. Figures are being computed again.</p>
        ) : null}
        <Empty title="You have no draft">
          Change a document, and its consequences are shown here before anything happens.
        </Empty>
      </div>
    );
  const conflicts = changed.filter((d) => d.conflict);
  const stamp = changed.map((d) => `${d.file}:${d.version}:${d.base_version}`).join() + working.version;
  return (
    <div className={css.stack}>
      {conflicts.map((d) => (
        <Conflict key={d.file} document={d} />
      ))}
      <Panel title="Your draft" aside={<span className="dim">on version {working.version}</span>}>
        <p>
          Changes {changed.map((d) => d.file).join(", ")}.{" "}
          <Button
            size="compact-xs"
            variant="subtle"
            loading={discard.isPending}
            onClick={() => discard.mutate(undefined)}
          >
            Discard all of it
          </Button>
        </p>
        <Problems list={check.problems} pending={check.pending} open={open} />
      </Panel>
      {check.ok === true && conflicts.length === 0 ? <Consequences stamp={stamp} seen={setSeen} /> : null}
      {check.ok === true && mayEdit ? (
        <Panel title="Apply">
          {apply.error ? <Problem inline error={apply.error} /> : null}
          <div className={css.row}>
            <TextInput
              label="Why (kept with the version)"
              value={note}
              onChange={(e) => setNote(e.currentTarget.value)}
              w={360}
              maw="100%"
              maxLength={300}
            />
            <Button disabled={!seen || conflicts.length > 0} loading={apply.isPending} onClick={() => apply.mutate()}>
              Apply as version {working.version + 1}
            </Button>
            {seen ? null : (
              <span className="dim">
                {conflicts.length > 0 ? "Settle the conflict first." : "Its consequences come first."}
              </span>
            )}
          </div>
        </Panel>
      ) : null}
    </div>
  );
}
