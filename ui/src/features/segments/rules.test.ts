import { describe, expect, it } from "vitest";
import { literalOf, parse, write, type Rule } from "./rules";

describe("a rule as rows", () => {
  it.each<[string, Rule]>([
    ["TRUE", { groups: [] }],
    ["mrr > 3500", { groups: [[{ name: "mrr", op: ">", values: [3500] }]] }],
    [
      "mrr >= 0 AND mrr <= 500 AND plan = 'it''s'",
      {
        groups: [
          [
            { name: "mrr", op: ">=", values: [0] },
            { name: "mrr", op: "<=", values: [500] },
            { name: "plan", op: "=", values: ["it's"] },
          ],
        ],
      },
    ],
    [
      "plan IN ('a', 'b') OR seats IS NULL AND NOT active",
      {
        groups: [
          [{ name: "plan", op: "in", values: ["a", "b"] }],
          [
            { name: "seats", op: "is null", values: [] },
            { name: "active", op: "is false", values: [] },
          ],
        ],
      },
    ],
    [
      "active AND nps_latest <> -1.5 OR plan NOT IN ('x') OR seats IS NOT NULL",
      {
        groups: [
          [
            { name: "active", op: "is true", values: [] },
            { name: "nps_latest", op: "<>", values: [-1.5] },
          ],
          [{ name: "plan", op: "not in", values: ["x"] }],
          [{ name: "seats", op: "is not null", values: [] }],
        ],
      },
    ],
  ])("%s is read as rows and written as the same text", (text, rule) => {
    expect(parse(text)).toEqual(rule);
    expect(write(rule)).toBe(text);
  });

  it.each([
    "(mrr > 1 OR seats > 2) AND active",
    "mrr / seats > 3",
    "mrr > seats",
    "lower(plan) = 'a'",
    "mrr BETWEEN 1 AND 2",
    "mrr > ",
    "mrr > 1 AND",
    "",
    "mrr IS NOT TRUE",
    "NOT mrr > 5",
    "mrr > 1e5",
    "a = 'open",
    "FALSE",
  ])("%s stays SQL", (text) => {
    expect(parse(text)).toBeNull();
  });

  it("reads other spellings, and writes them its own way", () => {
    expect(write(parse("mrr!=5 and Plan in('a','b')") ?? { groups: [] })).toBe("mrr <> 5 AND Plan IN ('a', 'b')");
  });

  it("gives back every rule that it can write", () => {
    const values = [0, 12.5, -3, "a", "it's", "", true];
    for (let n = 0; n < 300; n += 1) {
      const groups = Array.from({ length: n % 4 }, (_, g) =>
        Array.from({ length: 1 + ((n + g) % 3) }, (_, r) => {
          const op = (
            ["=", "<>", ">", ">=", "<", "<=", "is null", "is not null", "in", "not in", "is true", "is false"] as const
          )[(n * 7 + g * 3 + r) % 12];
          const one = values[(n + r) % values.length] ?? 0;
          const bare = op?.startsWith("is") ?? false;
          const many = op === "in" || op === "not in";
          return { name: `n${r}`, op: op ?? "=", values: bare ? [] : many ? [one, 1] : [one] };
        }),
      );
      expect(parse(write({ groups }))).toEqual({ groups });
    }
  });

  it("takes what is typed in the type of the name", () => {
    expect([
      literalOf("3,500", "money"),
      literalOf("12", "text"),
      literalOf("x", "number"),
      literalOf("2026-01-01", "date"),
    ]).toEqual([3500, "12", "x", "2026-01-01"]);
  });
});
