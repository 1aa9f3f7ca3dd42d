import { expect, it } from "vitest";
import { beaten, besideBefore, meaning, odds, versus, withInterval } from "./rules";

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

it("counts the baselines that are beaten and names the others", () => {
  const against = (id: string, label: string, low: number) => ({
    id,
    label,
    difference: { value: low + 0.02, low, high: low + 0.04 },
    beaten: low > 0,
  });
  const both = [against("prior", "Same probability for everyone", 0.1), against("mrr", "MRR alone", 0.05)];
  expect(beaten(both)).toBe("beats 2 of 2 baselines");
  const three = [...both, against("mrr", "MRR alone", -0.01), against("baseline", "Frozen baseline", -0.03)];
  expect(beaten(three)).toBe("beats 2 of 4 baselines, not proven better than: MRR alone, frozen baseline");
});

it("says how a learnt score stands to the one before it", () => {
  expect(besideBefore({ value: 0.001, low: -0.004, high: 0.006 })).toBe("not told apart from the period before's");
  expect(besideBefore({ value: -0.02, low: -0.03, high: -0.01 })).toBe("worse than the period before's");
  expect(besideBefore({ value: 0.02, low: 0.01, high: 0.03 })).toBe("better than the period before's");
});
