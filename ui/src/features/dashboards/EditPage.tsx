import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import type { DashboardDefinition, DashboardPage, TileDefinition } from "@/api/types";
import { Icon } from "@/shared/ui/Icon";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { add, change, freeId } from "./editing";
import edit from "./editing.module.css";
import { EditConflict } from "./EditConflict";
import { EditGrid } from "./EditGrid";
import { definitionQuery } from "./queries";
import { useDraftTiles, useEdit } from "./useEdit";

const TileDrawer = lazy(() => import("./TileDrawer"));

/** A dashboard being changed. Nothing is on the server until it is saved, and nothing that is typed is lost before. */
export default function EditPage({ page, close }: { page: DashboardPage; close: () => void }) {
  const answer = useQuery({ ...definitionQuery(page.id), staleTime: Infinity });
  return (
    <Loaded of={answer} lines={10}>
      {(definition) => <Editor key={definition.version} page={page} definition={definition} close={close} />}
    </Loaded>
  );
}

function Editor({
  page,
  definition,
  close,
}: {
  page: DashboardPage;
  definition: DashboardDefinition;
  close: () => void;
}) {
  const editing = useEdit(definition, close);
  const { draft, act, save } = editing;
  const { tiles, trial } = useDraftTiles(page, definition, draft);
  const [open, setOpen] = useState<{ tile: TileDefinition; isNew: boolean } | null>(null);
  const [said, say] = useState("");
  const { undo, redo } = editing;
  const sayUndo = () => {
    undo?.();
    say(`Undone: ${editing.said}.`);
  };
  useEffect(() => {
    const keys = (e: KeyboardEvent) => {
      const typing = e.target instanceof HTMLElement && e.target.closest("input, textarea, [contenteditable]");
      if (typing || !(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== "z") return;
      e.preventDefault();
      (e.shiftKey ? redo : undo)?.();
    };
    window.addEventListener("keydown", keys);
    return () => window.removeEventListener("keydown", keys);
  }, [undo, redo]);
  const fresh = (): TileDefinition => ({ id: freeId(draft, "tile"), kind: "figure" });
  return (
    <>
      <div className={edit.bar} role="group" aria-label="Change the dashboard">
        <TextInput
          size="xs"
          label="Name"
          w={260}
          maxLength={120}
          value={draft.title}
          error={draft.title.trim() === "" ? "Write 1 to 120 characters" : undefined}
          onChange={(e) => act({ ...draft, title: e.currentTarget.value }, "renamed the dashboard")}
        />
        <TextInput
          size="xs"
          label="What it answers"
          w={300}
          maxLength={500}
          value={draft.description}
          onChange={(e) => act({ ...draft, description: e.currentTarget.value }, "changed what it answers")}
        />
        <NativeSelect
          size="xs"
          label="Opens with"
          value={draft.segment ?? ""}
          onChange={(e) => act({ ...draft, segment: e.currentTarget.value || null }, "changed what it opens with")}
          data={[{ value: "", label: "All accounts" }, ...page.segments.map((s) => ({ value: s.id, label: s.label }))]}
        />
        <span className={edit.grow} />
        <Button size="xs" variant="default" onClick={() => setOpen({ tile: fresh(), isNew: true })}>
          Add a tile
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={!undo}
          title={undo ? `Undo: ${editing.said}` : undefined}
          onClick={sayUndo}
        >
          Undo
        </Button>
        <Button size="xs" variant="default" disabled={!redo} onClick={() => redo?.()}>
          Redo
        </Button>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            editing.discard();
            close();
          }}
        >
          {editing.changed ? "Discard" : "Close"}
        </Button>
        <Button
          size="xs"
          loading={save.isPending}
          disabled={!editing.changed || draft.title.trim() === ""}
          onClick={() => save.mutate({})}
        >
          Save
        </Button>
      </div>
      <p className="sr" role="status" aria-live="assertive">
        {said}
      </p>
      {editing.resumed && editing.changed ? (
        <p className="dim">
          <Icon name="clock" size={14} /> What you had changed before is still here. Save it, or discard it.
        </p>
      ) : null}
      {editing.conflict ? (
        <div className={edit.conflict}>
          <EditConflict editing={editing} conflict={editing.conflict} />
        </div>
      ) : null}
      {save.error ? <Problem inline error={save.error} retry={() => save.mutate({})} /> : null}
      {trial.error ? <Problem inline error={trial.error} /> : null}
      {draft.tiles.length === 0 ? (
        <Empty title="Nothing is on it yet">
          <Button size="xs" onClick={() => setOpen({ tile: fresh(), isNew: true })}>
            Add the first tile
          </Button>
        </Empty>
      ) : (
        <EditGrid
          draft={draft}
          tiles={tiles}
          page={page}
          act={act}
          say={say}
          change={(tile) => setOpen({ tile, isNew: false })}
          duplicate={(tile) =>
            act(add(draft, { ...tile, id: freeId(draft, tile.id) }), `duplicated ${tile.title || tile.id}`)
          }
        />
      )}
      {open ? (
        <Suspense>
          <TileDrawer
            page={page}
            tile={open.tile}
            isNew={open.isNew}
            close={() => setOpen(null)}
            done={(tile) => {
              const name = tile.title || "text";
              if (open.isNew) act(add(draft, { ...tile, id: freeId(draft, name) }), `added ${name}`);
              else act(change(draft, tile.id, tile), `changed ${name}`);
              say(`${name} is on the page.`);
              setOpen(null);
            }}
          />
        </Suspense>
      ) : null}
    </>
  );
}
