import { expect, it } from "vitest";
import { meaning, odds, versus, withInterval } from "./rules";

it("writes a figure with its interval, and nothing where there is none", () => {
  expect(withInterval({ value: 0.7421, low: 0.7012, high: 0.781 })).toBe("0.742 (0.701–0.781)");
  expect(withInterval(null)).toBe("–");
});

it("says better or worse only where the interval does", () => {
  expect(versus({ value: 0.05, low: 0.01, high: 0.09 })).toMatch(/^better by 0.05/);
  expect(versus({ value: -0.05, low: -0.09, high: -0.01 })).toMatch(/^worse by 0.05/);
  expect(versus({ value: 0.01, low: -0.02, high: 0.03 })).toMatch(/^not told apart/);
});

it("tells pairs and odds in plain numbers", () => {
  expect(meaning(0.74)).toContain("74 of 100");
  expect(odds(2)).toBe("odds × 2");
  expect(odds(0.5)).toBe("odds ÷ 2");
});
