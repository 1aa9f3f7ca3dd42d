import { describe, expect, it } from "vitest";
import { fan, matching } from "./targets";

const past = (period: string, value: number | null) => ({ period, value, expected: value, status: null });
const ahead = (period: string, value: number) => ({
  period,
  value,
  half: [value - 1, value + 1],
  interval: [value - 2, value + 2],
  expected: 7,
});

it("hangs the fan on the newest value", () => {
  const f = fan({ history: [past("2026-05-31", 3), past("2026-06-30", 4)], fan: [ahead("2026-07-31", 5)] });
  expect(f.periods).toEqual(["2026-05-31", "2026-06-30", "2026-07-31"]);
  expect(f.values).toEqual([3, 4, null]);
  expect(f.low).toEqual([null, 4, 3]);
  expect(f.high).toEqual([null, 4, 7]);
  expect(f.halfHigh).toEqual([null, 4, 6]);
  expect(f.target).toEqual([3, 4, 7]);
});

it("hangs it on nothing where the newest month has no value", () => {
  const f = fan({ history: [past("2026-05-31", 3), past("2026-06-30", null)], fan: [ahead("2026-07-31", 5)] });
  expect(f.trend).toEqual([null, null, 5]);
  expect(fan({ history: [], fan: [] }).periods).toEqual([]);
});

describe("matching", () => {
  const target = (label: string, status: "met" | "behind", scope: string, source: string) => ({
    label,
    kpi_label: "Churn",
    status,
    scope,
    source,
  });
  const all = [target("Churn down", "met", "digital", "S1"), target("NPS up", "behind", "all", "S2")];
  const labels = (asked: Parameters<typeof matching>[1]) => matching(all, asked).map((t) => t.label);
  it("keeps what every part of the address asks for", () => {
    expect(labels({})).toEqual(["Churn down", "NPS up"]);
    expect(labels({ status: "behind" })).toEqual(["NPS up"]);
    expect(labels({ scope: "digital", source: "S1" })).toEqual(["Churn down"]);
    expect(labels({ scope: "digital", source: "S2" })).toEqual([]);
    expect(labels({ q: " nps " })).toEqual(["NPS up"]);
  });
});
