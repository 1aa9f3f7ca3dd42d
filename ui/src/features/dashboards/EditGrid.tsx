import { ActionIcon } from "@mantine/core";
import { useState } from "react";
import type { DashboardPage, Tile, TileDefinition } from "@/api/types";
import { Icon } from "@/shared/ui/Icon";
import { Skeleton } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import css from "./dashboards.module.css";
import edit from "./editing.module.css";
import { COLUMNS, heightOf, move, place, remove, resize, widthOf, type Draft } from "./editing";
import { TileCard } from "./TileCard";

const ROW = 96;
type Held = { id: string; by: "move" | "size"; before: Draft };
type Props = {
  draft: Draft;
  tiles: (Tile | null)[];
  page: DashboardPage;
  act: (draft: Draft, said: string) => void;
  say: (words: string) => void;
  change: (tile: TileDefinition) => void;
  duplicate: (tile: TileDefinition) => void;
};

const arrows: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The tiles with handles: dragged by their corner or their grip, or taken with Enter, moved by the arrows and put down with Enter. */
export function EditGrid({ draft, tiles, page, act, say, change, duplicate }: Props) {
  // What is in the hand is shown at once and becomes one step when it is put down.
  const [held, setHeld] = useState<Held | null>(null);
  const [shown, setShown] = useState<Draft | null>(null);
  const live = shown ?? draft;
  const title = (t: TileDefinition) => t.title || tiles.find((d) => d?.id === t.id)?.title || "Text";

  const take = (id: string, by: Held["by"]) => {
    setHeld({ id, by, before: draft });
    setShown(draft);
  };
  const put = (words: (tile: string) => string) => {
    const tile = live.tiles.find((t) => t.id === held?.id);
    if (held && tile) {
      act(live, words(title(tile)));
      say(`Put down. ${place(live, held.id, title(tile))}.`);
    }
    setHeld(null);
    setShown(null);
  };
  const letGo = () => {
    setHeld(null);
    setShown(null);
    say("Put back where it was.");
  };
  const moved = (next: Draft, tile: TileDefinition) => {
    setShown(next);
    say(place(next, tile.id, title(tile)));
  };
  const key = (e: React.KeyboardEvent, tile: TileDefinition, by: Held["by"]) => {
    const holding = held?.id === tile.id && held.by === by;
    if (e.key === "Enter" || e.key === " ") {
      e.preventDefault();
      if (holding) return put((t) => (by === "move" ? `moved ${t}` : `resized ${t}`));
      take(tile.id, by);
      say(
        `${place(draft, tile.id, title(tile))}. Taken: the arrow keys ${by === "move" ? "move" : "resize"} it, Enter puts it down, Escape puts it back.`,
      );
      return;
    }
    if (!holding) return;
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      return letGo();
    }
    const way = arrows[e.key];
    if (!way) return;
    e.preventDefault();
    const at = live.tiles.findIndex((t) => t.id === tile.id);
    const now = live.tiles[at] ?? tile;
    if (by === "move") moved(move(live, tile.id, at + way[0] + way[1]), tile);
    else moved(resize(live, tile.id, widthOf(now) + way[0], heightOf(now) + way[1]), tile);
  };

  const drag = (e: React.PointerEvent, tile: TileDefinition, by: Held["by"]) => {
    if (e.button !== 0) return;
    const slot = e.currentTarget.closest<HTMLElement>("[data-slot]");
    const box = slot?.parentElement;
    if (!slot || !box) return;
    e.currentTarget.setPointerCapture(e.pointerId);
    const start = { x: e.clientX, y: e.clientY, w: widthOf(tile), h: heightOf(tile) };
    const column = box.clientWidth / COLUMNS;
    let last = draft;
    let begun = false;
    const target = e.currentTarget;
    const onMove = (to: Event) => {
      const p = to as PointerEvent;
      if (!begun && Math.hypot(p.clientX - start.x, p.clientY - start.y) < 5) return;
      if (!begun) take(tile.id, by);
      begun = true;
      if (by === "size") {
        const w = start.w + Math.round((p.clientX - start.x) / column);
        last = resize(draft, tile.id, w, start.h + Math.round((p.clientY - start.y) / ROW));
      } else {
        const under = document.elementFromPoint(p.clientX, p.clientY)?.closest<HTMLElement>("[data-slot]");
        const id = under?.dataset.slot;
        if (!under || !id || id === tile.id) return;
        // Before or behind the tile under the pointer: the same answer however often it is asked while the page still moves.
        const rect = under.getBoundingClientRect();
        const behind = p.clientX > rect.left + rect.width / 2 ? 1 : 0;
        const rest = last.tiles.filter((t) => t.id !== tile.id);
        last = move(last, tile.id, rest.findIndex((t) => t.id === id) + behind);
      }
      setShown(last);
    };
    const end = () => {
      target.removeEventListener("pointermove", onMove);
      setHeld(null);
      setShown(null);
      if (begun) act(last, `${by === "move" ? "moved" : "resized"} ${title(tile)}`);
    };
    target.addEventListener("pointermove", onMove);
    target.addEventListener("pointerup", end, { once: true });
    target.addEventListener("pointercancel", end, { once: true });
  };

  return (
    <div className={css.grid}>
      {live.tiles.map((t) => {
        const data = tiles[draft.tiles.findIndex((d) => d.id === t.id)];
        const size = { width: widthOf(t), height: heightOf(t) };
        const handle = (by: Held["by"]) => ({
          onKeyDown: (e: React.KeyboardEvent) => key(e, t, by),
          onPointerDown: (e: React.PointerEvent) => drag(e, t, by),
          onBlur: () => (held?.id === t.id && held.by === by && shown ? put((name) => `arranged ${name}`) : undefined),
          "aria-pressed": held?.id === t.id && held.by === by,
          className: `${edit.handle} ${by === "move" ? edit.move : edit.size} ${held?.id === t.id && held.by === by ? edit.held : ""}`,
        });
        const tool = { size: "sm" as const, variant: "subtle" as const, color: "gray" };
        return (
          <div
            key={t.id}
            className={edit.slot}
            style={{ "--w": size.width, "--h": size.height } as React.CSSProperties}
            data-slot={t.id}
            data-held={held?.id === t.id || undefined}
          >
            <div className={edit.handles} role="group" aria-label={`Arrange ${title(t)}`}>
              <ActionIcon {...tool} {...handle("move")} aria-label={`Move ${title(t)}`}>
                <Icon name="move" size={14} />
              </ActionIcon>
              <span className="dim small">
                {size.width} × {size.height}
              </span>
              <span className={edit.grow} />
              <ActionIcon {...tool} aria-label={`Change ${title(t)}`} onClick={() => change(t)}>
                <Icon name="settings" size={14} />
              </ActionIcon>
              <ActionIcon {...tool} aria-label={`Duplicate ${title(t)}`} onClick={() => duplicate(t)}>
                <Icon name="copy" size={14} />
              </ActionIcon>
              <ActionIcon
                {...tool}
                aria-label={`Remove ${title(t)}`}
                onClick={() => {
                  act(remove(draft, t.id), `removed ${title(t)}`);
                  say(`${title(t)} is removed. Undo brings it back.`);
                }}
              >
                <Icon name="close" size={14} />
              </ActionIcon>
            </div>
            {data ? (
              <TileCard tile={{ ...data, ...size }} page={page} open={() => undefined} plain />
            ) : (
              <section className={ui.panel} aria-label={title(t)} aria-busy>
                <Skeleton lines={3} />
              </section>
            )}
            <ActionIcon {...tool} {...handle("size")} aria-label={`Resize ${title(t)}`}>
              <Icon name="resize" size={14} />
            </ActionIcon>
          </div>
        );
      })}
    </div>
  );
}
