import { describe, expect, it } from "vitest";
import { corners, shares, withMeasure, withWeight } from "./models";
import { bandAt, bandOf, grouped, signed, way } from "./rules";

describe("models", () => {
  const measure = { metric: "logins", weight: 1, curve: { steps: { cuts: [1, 5], points: [0, 50, 100] } } };
  const model = {
    id: "m",
    groups: [
      { id: "a", weight: 3, measures: [measure] },
      { id: "b", weight: 1, measures: [] },
    ],
  };

  it("change in one place and say what each group decides", () => {
    expect(shares(model)).toEqual([75, 25]);
    expect(shares(withWeight(model, 1, 3))).toEqual([50, 50]);
    expect(withMeasure(model, 0, 0, { ...measure, weight: 2 }).groups[0]?.measures[0]?.weight).toBe(2);
    expect(model.groups[0]?.measures[0]?.weight).toBe(1);
  });

  it("have curves that can be drawn to both ends", () => {
    expect(corners(measure.curve, 0, 9)).toEqual([
      [0, 0],
      [1, 0],
      [1, 50],
      [5, 50],
      [5, 100],
      [9, 100],
    ]);
    expect(
      corners(
        {
          linear: {
            knots: [
              [2, 10],
              [4, 90],
            ],
          },
        },
        0,
        3,
      ),
    ).toEqual([
      [0, 10],
      [2, 10],
      [4, 90],
      [4, 90],
    ]);
  });
});

describe("scores in words", () => {
  it("signs changes and calls tiny ones none", () => {
    expect([signed(3.24), signed(-11), signed(0.04), signed(-0.04)]).toEqual(["+3.2", "−11", "±0", "±0"]);
  });

  it("puts the edges of bands into the better band", () => {
    const head = { green: 75, yellow: 50 };
    expect([75, 74.99, 50, 49.99].map((p) => bandAt(p, head))).toEqual(["green", "yellow", "yellow", "red"]);
    expect([bandOf(null), bandOf("red"), bandOf("blue")]).toEqual(["none", "red", "none"]);
  });

  it("says what a movement is compared with", () => {
    const falling = way({ state: "falling", slope: -4.2, low: -6, high: -2 });
    expect(falling.label).toBe("Falling");
    expect(falling.told).toContain("−4.2 points in 30 days against its segment");
    expect(way(null).told).toContain("Fewer than five");
  });

  it("keeps ledger lines under their groups with exact sums", () => {
    const line = (group: string | null, contribution: number) => ({ group, group_label: group, contribution });
    const groups = grouped([line("use", 10), line("support", 5), line("use", 2.5)]);
    expect(groups.map((g) => [g.id, g.sum, g.lines.length])).toEqual([
      ["use", 12.5, 2],
      ["support", 5, 1],
    ]);
    expect(grouped([line(null, 1)])[0]?.label).toBe("Measures");
  });
});
