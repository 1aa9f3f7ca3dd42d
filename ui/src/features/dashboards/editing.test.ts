import { describe, expect, it } from "vitest";
import type { TileDefinition } from "@/api/types";
import {
  add,
  begin,
  change,
  content,
  freeId,
  move,
  place,
  redo,
  remove,
  resize,
  step,
  undo,
  type Draft,
} from "./editing";

const tile = (id: string, more: Partial<TileDefinition> = {}) => ({ id, kind: "line", ...more }) as TileDefinition;
const page: Draft = { title: "P", description: "", segment: null, tiles: [tile("a"), tile("b"), tile("c")] };
const ids = (d: Draft) => d.tiles.map((t) => t.id).join("");

describe("A dashboard while it is being changed", () => {
  it("moves tiles within the page and no further", () => {
    expect(ids(move(page, "c", 0))).toBe("cab");
    expect(ids(move(page, "a", 1))).toBe("bac");
    expect(ids(move(page, "a", 99))).toBe("bca");
    expect(ids(move(page, "a", -5))).toBe("abc");
    expect(move(page, "zz", 0)).toBe(page);
  });

  it("keeps sizes within the twelve columns", () => {
    const [first] = resize(page, "a", 40, 0).tiles;
    expect([first?.width, first?.height]).toEqual([12, 1]);
  });

  it("undoes and does again, step by step, and forgets what was undone when something else is done", () => {
    let h = begin(page);
    h = step(h, remove(page, "b"), "removed b");
    expect(step(h, h.now.draft, "nothing")).toBe(h);
    expect(ids(undo(h).now.draft)).toBe("abc");
    expect(ids(redo(undo(h)).now.draft)).toBe("ac");
    const other = step(undo(h), remove(page, "c"), "removed c");
    expect(redo(other)).toBe(other);
    expect(ids(undo(undo(undo(h))).now.draft)).toBe("abc");
  });

  it("gives every tile a name of its own", () => {
    expect(freeId(page, "Über 9 % of a")).toBe("ber_9_of_a");
    expect(freeId(page, "a")).toBe("a_2");
    expect(freeId(add(page, tile("a_2")), "a")).toBe("a_3");
    expect(freeId(page, "9 % ?")).toBe("tile");
  });

  it("says where a tile stands, and knows which changes need new figures", () => {
    expect(place(page, "b", "Churn")).toBe("Churn: place 2 of 3, 6 of 12 columns wide, 4 rows high");
    const [a] = page.tiles;
    const [wider] = change(page, "a", { width: 8, title: "X" }).tiles;
    const [other] = change(page, "a", { by: "segment" }).tiles;
    if (!a || !wider || !other) throw new Error("tiles");
    expect(content(wider)).toBe(content(a));
    expect(content(other)).not.toBe(content(a));
  });
});
