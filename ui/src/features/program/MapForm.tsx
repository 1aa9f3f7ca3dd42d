import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { ProgramDocument } from "@/api/types";
import { Panel } from "@/shared/ui/Panel";
import { Icon } from "@/shared/ui/Icon";
import { Problem } from "@/shared/ui/State";
import css from "./program.module.css";
import { useDraftWrites } from "./useWorking";

const WORDS: Record<string, [string, string, string]> = {
  names: ["Event names", "As your source calls it", "As Tenure calls it"],
  kinds: ["Kinds of events", "Event name", "Kind"],
};

/** A map of a document, such as the names of events: what stands on the left means what stands on the right. */
export function MapForm({ document, map, mayEdit }: { document: ProgramDocument; map: string; mayEdit: boolean }) {
  const { edits } = useDraftWrites();
  const held = ((document.content as Record<string, unknown> | null)?.[map] ?? {}) as Record<string, unknown>;
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [title, left, right] = WORDS[map] ?? [map, "Name", "Value"];
  const set = (values: Record<string, unknown>, then?: () => void) =>
    edits.mutate({ file: document.file, edits: [{ list: map, set: values }] }, { onSuccess: then });
  return (
    <Panel title={title}>
      {edits.error ? <Problem inline error={edits.error} /> : null}
      <ul className={css.map}>
        {Object.entries(held).map(([name, value]) => (
          <li key={name}>
            <code>{name}</code> <span aria-hidden="true">→</span> <code>{String(value)}</code>
            {mayEdit ? (
              <Button
                size="compact-xs"
                variant="subtle"
                color="gray"
                aria-label={`Remove ${name}`}
                onClick={() => set({ [name]: null })}
              >
                <Icon name="close" size={12} />
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      {mayEdit ? (
        <form
          className={css.row}
          onSubmit={(e) => {
            e.preventDefault();
            set({ [from.trim()]: to.trim() }, () => {
              setFrom("");
              setTo("");
            });
          }}
        >
          <TextInput size="xs" label={left} value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
          <TextInput size="xs" label={right} value={to} onChange={(e) => setTo(e.currentTarget.value)} />
          <Button
            size="xs"
            type="submit"
            variant="default"
            disabled={!from.trim() || !to.trim()}
            loading={edits.isPending}
          >
            Add
          </Button>
        </form>
      ) : null}
    </Panel>
  );
}
