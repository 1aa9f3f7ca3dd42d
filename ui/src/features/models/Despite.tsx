import { Button, Modal, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "@/shared/ui/State";
import { promote, type Model } from "./queries";

/** Puts a model in force although its back-test speaks against it, with a reason that stays in the audit. */
export function Despite({
  model,
  doubt,
  done,
  close,
}: {
  model: Model;
  doubt: string;
  done: () => Promise<void>;
  close: () => void;
}) {
  const [note, setNote] = useState("");
  const force = useMutation({
    mutationFn: () => promote(model.id, model.version, true, note.trim()),
    onSuccess: done,
  });
  return (
    <Modal opened onClose={close} title="Put it in force all the same?" closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          force.mutate();
        }}
        style={{ display: "grid", gap: 12 }}
      >
        <p style={{ margin: 0 }}>What speaks against it: {doubt}.</p>
        <Textarea
          label="Reason"
          description="Kept in the audit with your name and the back-test beside it"
          required
          autosize
          minRows={2}
          maxLength={500}
          data-autofocus
          value={note}
          onChange={(e) => setNote(e.currentTarget.value)}
        />
        {force.error ? <Problem inline error={force.error} /> : null}
        <div style={{ display: "flex", gap: 8, justifyContent: "flex-end" }}>
          <Button variant="default" onClick={close}>
            Leave it out of force
          </Button>
          <Button type="submit" color="red" loading={force.isPending} disabled={note.trim() === ""}>
            Put it in force
          </Button>
        </div>
      </form>
    </Modal>
  );
}
