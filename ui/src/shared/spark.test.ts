import { expect, it } from "vitest";
import { spark } from "./spark";

it("spreads the values over the box, highest on top", () => {
  expect(spark([0, 5, 10], [], 100, 20)).toMatchObject({
    lines: ["M0 20 L50 10 L100 0"],
    last: [100, 0],
    min: 0,
    max: 10,
  });
});

it("breaks the line where a value is missing", () => {
  expect(spark([1, null, 2], [], 10, 10).lines).toEqual(["M0 10", "M10 0"]);
});

it("gives targets the same scale as values", () => {
  const shape = spark([0, 0], [0, 10], 10, 10);
  expect(shape.lines).toEqual(["M0 10 L10 10"]);
  expect(shape.target).toBe("M0 10 L10 0");
});

it("draws a constant in the middle and nothing from nothing", () => {
  expect(spark([3, 3], [], 10, 10).lines).toEqual(["M0 5 L10 5"]);
  expect(spark([null, null], [], 10, 10)).toMatchObject({ lines: [], last: null, target: null });
});
