import { Button } from "@mantine/core";
import type { ProgramDocument } from "@/api/types";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import { Diff } from "./Diff";
import css from "./program.module.css";
import { useDraftWrites } from "./useWorking";

/** Somebody else applied a change of the same document: both are shown, and nothing is overwritten unseen. */
export function Conflict({ document }: { document: ProgramDocument }) {
  const { text, discard } = useDraftWrites();
  const { conflict } = document;
  if (!conflict) return null;
  const base = conflict.version.version;
  const keep = (value: string | null) => text.mutate({ file: document.file, text: value, base });
  return (
    <Panel title={`${document.file} was changed by somebody else`}>
      <p role="alert">
        {conflict.version.applied_by} applied version {base} after your draft began. Your draft is kept; nothing was
        overwritten.
      </p>
      <div className={css.two}>
        <div>
          <h3>What they changed</h3>
          <Diff lines={conflict.theirs} label="What they changed" />
        </div>
        <div>
          <h3>What your draft makes of it</h3>
          <Diff lines={conflict.yours} label="What your draft would change" />
        </div>
      </div>
      <div className={css.row}>
        {conflict.merged === null ? (
          <span className="dim">Both change the same lines, so you decide.</span>
        ) : (
          <Button loading={text.isPending} onClick={() => keep(conflict.merged)}>
            Take both changes
          </Button>
        )}
        <Button variant="default" loading={text.isPending} onClick={() => keep(document.text)}>
          Keep my text, theirs goes
        </Button>
        <Button variant="default" loading={discard.isPending} onClick={() => discard.mutate(document.file)}>
          Take theirs, drop my draft
        </Button>
      </div>
      {text.error ? <Problem inline error={text.error} /> : null}
    </Panel>
  );
}
