import { Button, Checkbox, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { SavedView } from "@/api/types";
import { words } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import { addView, ViewConflict, type State, type ViewPage } from "./queries";

/** Gives the page as it stands a name. */
export function SaveDialog({
  page,
  state,
  mayShare,
  done,
  close,
}: {
  page: ViewPage;
  state: State;
  mayShare: boolean;
  done: (v: SavedView) => Promise<void>;
  close: () => void;
}) {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const save = useMutation({ mutationFn: () => addView(page, name, state, shared), onSuccess: done });
  return (
    <Modal opened onClose={close} title="Save this as a view" closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          save.mutate();
        }}
        style={{ display: "grid", gap: 12 }}
      >
        <TextInput
          label="Name"
          description="1 to 80 characters"
          required
          maxLength={80}
          data-autofocus
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
        />
        {mayShare ? (
          <Checkbox
            label="The team sees it too"
            checked={shared}
            onChange={(e) => setShared(e.currentTarget.checked)}
          />
        ) : null}
        {save.error ? <Problem inline error={save.error} /> : null}
        <Button type="submit" loading={save.isPending} disabled={name.trim() === ""}>
          Save
        </Button>
      </form>
    </Modal>
  );
}

/** Somebody else changed the view first: both side by side, and nothing is overwritten unseen. */
export function ConflictDialog({
  error,
  mine,
  overwrite,
  look,
  close,
}: {
  error: unknown;
  mine: State;
  overwrite: (v: SavedView) => void;
  look: (v: SavedView) => void;
  close: () => void;
}) {
  if (!error) return null;
  const conflict = error instanceof ViewConflict ? error : null;
  const keys = conflict ? [...new Set([...Object.keys(mine), ...Object.keys(conflict.current.state)])].sort() : [];
  return (
    <Modal opened onClose={close} title="The view could not be saved" closeButtonProps={{ "aria-label": "Close" }}>
      {conflict ? (
        <>
          <p>{conflict.message}</p>
          <table className={ui.table}>
            <caption className="sr">Difference</caption>
            <thead>
              <tr>
                <td />
                <th scope="col">As it is</th>
                <th scope="col">Yours</th>
              </tr>
            </thead>
            <tbody>
              {keys.map((k) => (
                <tr key={k}>
                  <th scope="row">{words(k)}</th>
                  <td>{conflict.current.state[k] ?? "–"}</td>
                  <td>{mine[k] ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <div style={{ display: "flex", flexWrap: "wrap", gap: 8, marginTop: 16 }}>
            <Button variant="default" onClick={() => look(conflict.current)}>
              Show it as it is
            </Button>
            <Button onClick={() => overwrite(conflict.current)}>Save mine over it</Button>
          </div>
        </>
      ) : (
        <Problem inline error={error} />
      )}
    </Modal>
  );
}
