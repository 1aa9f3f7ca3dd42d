import { Button } from "@mantine/core";
import type { DashboardConflict } from "@/api/types";
import { Diff } from "@/features/program/Diff";
import { Panel } from "@/shared/ui/Panel";
import edit from "./editing.module.css";
import type { Editing } from "./useEdit";

/** Somebody else saved the dashboard meanwhile: both changes are shown, and nothing is overwritten unseen. */
export function EditConflict({ editing, conflict }: { editing: Editing; conflict: DashboardConflict }) {
  const { current, theirs, yours, merged } = conflict;
  const { save } = editing;
  return (
    <Panel title="Somebody else changed this dashboard">
      <p role="alert">
        {current.updated_by} saved version {current.version} after you began. Your changes are kept here; nothing was
        overwritten.
      </p>
      <div className={edit.two}>
        {theirs ? (
          <div>
            <h3>What they changed</h3>
            <Diff lines={theirs} label="What they changed" />
          </div>
        ) : null}
        <div>
          <h3>What yours makes of it</h3>
          <Diff lines={yours} label="What yours would change" />
        </div>
      </div>
      <div className={edit.row}>
        {merged === null ? (
          <span className="dim">Both change the same lines, so you decide.</span>
        ) : (
          <Button
            size="xs"
            loading={save.isPending}
            onClick={() => save.mutate({ yaml: merged, base: current.version })}
          >
            Take both changes
          </Button>
        )}
        <Button size="xs" variant="default" loading={save.isPending} onClick={() => editing.rebase(current.version)}>
          Keep mine, theirs goes
        </Button>
        <Button size="xs" variant="default" onClick={() => editing.takeTheirs()}>
          Take theirs, drop mine
        </Button>
      </div>
    </Panel>
  );
}
