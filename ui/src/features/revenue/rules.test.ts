import { describe, expect, it } from "vitest";
import type { BridgeLine } from "./queries";
import { amounts, domain, heat, reasonLabel, signed, waterfall } from "./rules";
import { csvAddress } from "./queries";

const step = (name: string, amount: number, accounts = 1) => ({
  step: name as BridgeLine["steps"][number]["step"],
  amount,
  accounts,
});
const line = (opening: number, steps: [string, number, number?][], closing: number): BridgeLine => ({
  currency: "USD",
  opening,
  steps: steps.map(([name, amount, accounts]) => step(name, amount, accounts ?? 1)),
  closing,
  grr: null,
  nrr: null,
  base: opening,
  logo_churn: null,
  active_start: 10,
  active_end: 9,
  unknown: 0,
});

describe("waterfall", () => {
  it("lets each step begin where the one before ended", () => {
    const bars = waterfall(
      line(
        100,
        [
          ["new", 20],
          ["expansion", 0, 0],
          ["churn", -50],
        ],
        70,
      ),
    );
    expect(bars.map((b) => [b.step, b.low, b.high, b.kind])).toEqual([
      ["opening", 0, 100, "total"],
      ["new", 100, 120, "gain"],
      ["expansion", 120, 120, "none"],
      ["churn", 70, 120, "loss"],
      ["closing", 0, 70, "total"],
    ]);
  });
  it("leaves rare steps out when they are empty", () => {
    const bars = waterfall(
      line(
        10,
        [
          ["reactivation", 0, 0],
          ["became_known", 0, 0],
          ["became_unknown", -2],
        ],
        8,
      ),
    );
    expect(bars.map((b) => b.step)).toEqual(["opening", "became_unknown", "closing"]);
  });
  it("shows the whole height when changes are large, and cuts it when they are small", () => {
    expect(domain(waterfall(line(100, [["churn", -60]], 40)))).toEqual({ from: 0, to: 100, cut: false });
    const small = domain(
      waterfall(
        line(
          1000,
          [
            ["new", 20],
            ["churn", -10],
          ],
          1010,
        ),
      ),
    );
    expect(small.cut).toBe(true);
    expect(small.from).toBeGreaterThan(900);
    expect(small.from).toBeLessThan(1000);
    expect(domain(waterfall(line(0, [], 0)))).toEqual({ from: 0, to: 1, cut: false });
  });
});

describe("words", () => {
  it("never adds currencies", () => {
    expect(
      amounts([
        { currency: "USD", amount: 12 },
        { currency: "EUR", amount: 5 },
      ]),
    ).toBe("$12 + €5");
    expect(amounts([])).toBe("–");
  });
  it("gives changes a sign", () => {
    expect([signed(5, "USD"), signed(-5, "USD"), signed(0, "USD")]).toEqual(["+$5", "−$5", "$0"]);
  });
  it("names reasons", () => {
    expect([reasonLabel("feature_gaps"), reasonLabel(null), reasonLabel("(not recorded)")]).toEqual([
      "Feature gaps",
      "Not recorded",
      "Not recorded",
    ]);
  });
});

it("colours retention from a half to the whole", () => {
  expect([heat(null), heat(0.2), heat(0.75), heat(1), heat(1.3)]).toEqual([0, 0, 0.5, 1, 1]);
});

it("asks for the same as a file", () => {
  expect(csvAddress("churn", { months: 12, segment: undefined, owner: "a b" })).toBe(
    "/api/v1/revenue/churn?months=12&owner=a+b&format=csv",
  );
});
