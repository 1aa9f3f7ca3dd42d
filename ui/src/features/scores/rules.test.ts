import { describe, expect, it } from "vitest";
import { firstCurve, handles, moved, stepOf, withAdded, withKnot, withoutMeasure } from "./curves";
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

describe("curves that are moved", () => {
  const linear = {
    linear: {
      knots: [
        [0, 0],
        [10, 60],
        [40, 100],
      ] as [number, number][],
      direction: "rising",
    },
  };
  const steps = { steps: { cuts: [1, 5], points: [100, 70, 20], direction: "falling" } };
  const knot = (at: number) => handles(linear, 0, 50)[at] ?? { kind: "knot" as const, at, value: 0, points: 0 };

  it("stop at their neighbours, along the values and along the points", () => {
    expect(moved(linear, knot(1), 12.2, 71.4, 1)).toEqual({
      linear: {
        knots: [
          [0, 0],
          [12, 71],
          [40, 100],
        ],
        direction: "rising",
      },
    });
    expect(moved(linear, knot(1), 99, -5, 1)).toEqual({
      linear: {
        knots: [
          [0, 0],
          [39, 0],
          [40, 100],
        ],
        direction: "rising",
      },
    });
  });
  it("move cuts along the values and levels along the points only", () => {
    const [first, , , cut] = handles(steps, 0, 9);
    expect(handles(steps, 0, 9).map((h) => h.kind)).toEqual(["level", "level", "level", "cut", "cut"]);
    if (!first || !cut) throw new Error("no handles");
    expect(moved(steps, first, 7, 40, 1)).toEqual({ steps: { ...steps.steps, points: [70, 70, 20] } });
    expect(moved(steps, cut, 3, 0, 1)).toEqual({ steps: { ...steps.steps, cuts: [3, 5] } });
  });
  it("step by round numbers", () => {
    expect([stepOf(0, 100), stepOf(0, 37), stepOf(-1, 1), stepOf(3, 3)]).toEqual([1, 0.5, 0.02, 1]);
  });
  it("begin with what is common and get knots where they are wide", () => {
    const twentieths = Array.from({ length: 21 }, (_, i) => i * 2);
    expect(firstCurve(twentieths, "down")).toEqual({
      linear: {
        knots: [
          [4, 100],
          [20, 50],
          [36, 0],
        ],
        direction: "falling",
      },
    });
    expect(
      firstCurve(
        Array.from({ length: 21 }, () => 0),
        "up",
      ),
    ).toEqual({
      linear: {
        knots: [
          [0, 0],
          [1, 100],
        ],
        direction: "rising",
      },
    });
    expect(withKnot(linear).linear.knots).toEqual([
      [0, 0],
      [10, 60],
      [25, 80],
      [40, 100],
    ]);
  });
  it("are added and taken away with their measures", () => {
    const model = {
      id: "m",
      groups: [{ id: "a", weight: 1, measures: [{ metric: "logins", weight: 0.5, curve: linear }] }],
    };
    const more = withAdded(model, 0, "tickets", steps);
    expect(more.groups[0]?.measures.map((m) => [m.metric, m.weight])).toEqual([
      ["logins", 0.5],
      ["tickets", 0.5],
    ]);
    expect(withoutMeasure(more, 0, 0).groups[0]?.measures.map((m) => m.metric)).toEqual(["tickets"]);
    expect(withoutMeasure(model, 0, 0).groups).toEqual([]);
  });
});
