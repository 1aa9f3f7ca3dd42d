import { Button, Modal, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Reassignment, ReassignmentRequest, Spread } from "@/api/types";
import { number } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import { OwnerPicker } from "./OwnerPicker";
import css from "./owners.module.css";
import { PreviewTable } from "./PreviewTable";
import { OWNERS, ownerSettingsQuery } from "./queries";

export const SPREADS: { value: Spread; label: string }[] = [
  { value: "shared", label: "The pool owns them together" },
  { value: "accounts", label: "Spread to members by number of accounts" },
  { value: "mrr", label: "Spread to members by MRR" },
  { value: "segment", label: "Spread to members by accounts of the segment" },
];
const asSpread = (v: string | null): Spread => SPREADS.find((s) => s.value === v)?.value ?? "shared";

/** Everything that shows owners is read again. */
export function useOwnersChanged() {
  const queries = useQueryClient();
  return async () => {
    await queries.invalidateQueries({ queryKey: OWNERS });
    await queries.invalidateQueries({ queryKey: ["accounts"] });
  };
}

/** Gives accounts to somebody else: chosen, previewed, done, and taken back if it was wrong. */
export function Reassign({
  what,
  title,
  currency,
  close,
}: {
  what: Pick<ReassignmentRequest, "accounts" | "owner">;
  title: string;
  currency: string | null;
  close: () => void;
}) {
  const [to, setTo] = useState("");
  const [nobody, setNobody] = useState(false);
  const [spread, setSpread] = useState<Spread>("shared");
  const [reason, setReason] = useState("");
  const changed = useOwnersChanged();
  const settings = useQuery(ownerSettingsQuery).data?.settings;
  const pool = settings?.pools.find((p) => `pool:${p.id}` === to.trim());
  const body: ReassignmentRequest = {
    ...what,
    to: nobody ? null : to.trim(),
    spread: pool ? spread : "shared",
    reason,
  };
  const preview = useMutation({
    mutationFn: () => take(api.POST("/api/v1/reassignments/preview", { body })),
  });
  const run = useMutation({
    mutationFn: () => take(api.POST("/api/v1/reassignments", { body })),
    onSuccess: changed,
  });
  const touch = () => preview.reset();
  return (
    <Modal opened onClose={close} title={title} size="xl" closeButtonProps={{ "aria-label": "Close" }}>
      {run.data ? (
        <Done done={run.data} close={close} />
      ) : (
        <form
          className={css.form}
          onSubmit={(e) => {
            e.preventDefault();
            preview.mutate();
          }}
        >
          {nobody ? null : (
            <OwnerPicker
              label="New owner"
              value={to}
              required
              change={(v) => {
                setTo(v);
                touch();
              }}
            />
          )}
          {pool ? (
            <Select
              label="How"
              data={SPREADS}
              value={spread}
              allowDeselect={false}
              onChange={(v) => {
                setSpread(asSpread(v));
                touch();
              }}
            />
          ) : null}
          <TextInput
            label="Reason"
            description="Kept in the history of owners."
            maxLength={1000}
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
          <div className={css.buttons}>
            <Button type="submit" variant="default" loading={preview.isPending} disabled={!nobody && to.trim() === ""}>
              Preview
            </Button>
            <Button
              variant="subtle"
              onClick={() => {
                setNobody(!nobody);
                touch();
              }}
            >
              {nobody ? "Name an owner" : "Take the owner away instead"}
            </Button>
          </div>
          {preview.error ? <Problem inline error={preview.error} /> : null}
          {preview.data ? (
            <>
              <PreviewTable preview={preview.data} currency={currency} />
              <div className={css.buttons}>
                <Button loading={run.isPending} disabled={preview.data.moved === 0} onClick={() => run.mutate()}>
                  Reassign {number(preview.data.moved, 0)}
                </Button>
              </div>
            </>
          ) : null}
          {run.error ? <Problem inline error={run.error} /> : null}
        </form>
      )}
    </Modal>
  );
}

function Done({ done, close }: { done: Reassignment; close: () => void }) {
  return (
    <div className={css.form}>
      <p role="status">
        <strong>
          {number(done.accounts, 0)} {done.accounts === 1 ? "account has" : "accounts have"} a new owner.
        </strong>{" "}
        Each change between owners started a hand-over.
      </p>
      <div className={css.buttons}>
        <Button onClick={close}>Close</Button>
        {done.id ? <Undo id={done.id} /> : null}
      </div>
    </div>
  );
}

/** Takes a reassignment back. */
export function Undo({ id }: { id: string }) {
  const changed = useOwnersChanged();
  const undo = useMutation({
    mutationFn: () => take(api.POST("/api/v1/reassignments/{id}/undo", { params: { path: { id } } })),
    onSuccess: changed,
  });
  if (undo.data)
    return (
      <span role="status">
        {number(undo.data.accounts, 0)} given back
        {undo.data.skipped > 0 ? `, ${number(undo.data.skipped, 0)} have changed since and stay` : ""}.
      </span>
    );
  return (
    <>
      <Button size="xs" variant="default" loading={undo.isPending} onClick={() => undo.mutate()}>
        Undo
      </Button>
      {undo.error ? <Problem inline error={undo.error} /> : null}
    </>
  );
}
