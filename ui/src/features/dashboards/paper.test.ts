import { describe, expect, it } from "vitest";
import { fit, layout, pages, wrap } from "./paper";

const size = (width: number, height: number) => ({ width, height });

describe("A page on paper", () => {
  it("lays tiles over twelve columns and fills holes", () => {
    const { spots, height } = layout([size(8, 4), size(6, 2), size(4, 2)]);
    expect(spots[0]).toMatchObject({ x: 0, y: 0 });
    // The second does not fit beside the first; the third does.
    expect(spots[1]).toMatchObject({ x: 0, y: 4 * 96 });
    expect(spots[2]?.y).toBe(0);
    expect(spots[2]?.x).toBeGreaterThan(spots[0]?.width ?? 0);
    expect(height).toBe(6 * 96 - 12);
    expect(layout([]).height).toBe(0);
  });

  it("ends pages only between tiles", () => {
    const { spots } = layout([size(12, 4), size(6, 4), size(6, 6), size(12, 2)]);
    const found = pages(spots, 600);
    expect(found.map((p) => p.from)).toEqual([0, 4 * 96, 10 * 96]);
    for (const s of spots) {
      const inside = found.filter((p) => s.y >= p.from && s.y + s.height <= p.to);
      expect(inside.length).toBe(1);
    }
    expect(pages([], 600)).toEqual([]);
  });

  it("cuts and wraps words to a width", () => {
    expect(fit("abc", 1000, 10)).toBe("abc");
    expect(fit("abcdefghij", 30, 10).endsWith("…")).toBe(true);
    expect(fit("abc", 0, 10)).toBe("");
    expect(wrap("one two three\nfour", 44, 10)).toEqual(["one two", "three", "four"]);
  });
});
