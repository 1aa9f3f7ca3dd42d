import { describe, expect, it } from "vitest";
import type { Kpi, Target } from "@/api/types";
import { countStatuses, groupKpis, lineOn, newest, wholePeriods, segmentOrder } from "./rules";
import { conflictsOf } from "./targets";

const row = (over: Partial<Kpi>): Kpi => ({
  kpi: "nps",
  label: "NPS",
  group: "",
  description: "",
  scope: "all",
  first_day: "2026-06-01",
  period: "2026-06-30",
  value: 30,
  numerator: null,
  denominator: null,
  unit: "points",
  better: "up",
  interval: null,
  median: null,
  p90: null,
  baseline: null,
  baseline_on: null,
  target: null,
  expected: null,
  waits_for: null,
  target_id: null,
  deadline: null,
  status: null,
  source: null,
  conflict: false,
  computed_at: "2026-07-01T00:00:00Z",
  ...over,
});

describe("groupKpis", () => {
  it("makes one line per KPI out of rows per scope and target", () => {
    const { groups, segments } = groupKpis([
      row({ target_id: "a", status: "behind", conflict: true }),
      row({ target_id: "b", status: "met", conflict: true }),
      row({ scope: "digital", value: 20 }),
      row({ scope: "strategic", value: 40 }),
    ]);
    expect(segments).toEqual(["strategic", "digital"]);
    expect(groups).toHaveLength(1);
    const line = groups[0]?.lines[0];
    expect(groups[0]?.title).toBe("Satisfaction");
    expect(line?.all.map((r) => r.target_id)).toEqual(["a", "b"]);
    expect(line?.scopes.map((s) => s.scope)).toEqual(["strategic", "digital"]);
    expect(line?.conflict).toBe(true);
    expect([...(line?.statuses ?? [])].sort()).toEqual(["behind", "met"]);
  });
  it("keeps a KPI that it has never heard of", () => {
    const { groups } = groupKpis([row({ kpi: "own_figure" }), row({ kpi: "csat" })]);
    expect(groups.map((g) => [g.title, g.lines.map((l) => l.kpi)])).toEqual([
      ["Satisfaction", ["csat"]],
      ["Other figures", ["own_figure"]],
    ]);
  });
  it("does not make a column of the accounts without a segment", () => {
    expect(groupKpis([row({ scope: "unclassified" })]).segments).toEqual([]);
  });
});

it("puts a KPI under the heading that the program gives it", () => {
  expect(groupKpis([row({ group: "North star" }), row({ kpi: "csat" })]).groups.map((g) => g.title)).toEqual([
    "North star",
    "Satisfaction",
  ]);
});

it("draws the straight line from baseline to goal, flat after the deadline", () => {
  const held = row({ baseline: 10, baseline_on: "2026-01-01", target: 20, deadline: "2026-01-11" });
  expect(lineOn(held, "2025-12-31")).toBeNull();
  expect(lineOn(held, "2026-01-01")).toBe(10);
  expect(lineOn(held, "2026-01-06")).toBe(15);
  expect(lineOn(held, "2026-03-01")).toBe(20);
  expect(lineOn(row({}), "2026-01-06")).toBeNull();
});

it("counts targets, not figures", () => {
  const counts = countStatuses([
    row({ status: "no_data" }),
    row({ target_id: "a", status: "met" }),
    row({ target_id: "b", status: "met", scope: "core" }),
  ]);
  expect(counts).toEqual({ met: 2, on_track: 0, at_risk: 0, behind: 0, no_data: 0 });
});

it("orders segments as the program speaks of them", () => {
  expect(["zeta", "digital", "alpha", "core", "strategic"].sort(segmentOrder)).toEqual([
    "strategic",
    "core",
    "digital",
    "alpha",
    "zeta",
  ]);
});

it("finds the newest computation", () => {
  expect(newest([row({ computed_at: "2026-01-01T00:00:00Z" }), row({ computed_at: "2026-02-01T00:00:00Z" })])).toBe(
    "2026-02-01T00:00:00Z",
  );
  expect(newest([])).toBeNull();
});

describe("conflictsOf", () => {
  const target = (id: string, conflicts_with: string[]): Target => ({
    id,
    label: id,
    kpi: "nps",
    kpi_label: "NPS",
    scope: "all",
    program: "company",
    unit: "points",
    better: "up",
    baseline: null,
    baseline_on: "2026-06-30",
    frozen_at: null,
    baseline_source: "stated" as const,
    goal: 1,
    goal_kind: "value",
    goal_stated: 1,
    deadline: "2027-06-30",
    source: "S1",
    document: "S1",
    description: "",
    value: null,
    status: "no_data",
    expected: null,
    conflicts_with,
  });
  it("shows each pair once, whichever side names it", () => {
    expect(
      conflictsOf([target("a", ["b"]), target("b", ["a"]), target("c", [])]).map((g) => g.map((t) => t.id)),
    ).toEqual([["a", "b"]]);
  });
  it("makes no group of a target whose counterpart is gone", () => {
    expect(conflictsOf([target("a", ["gone"])])).toEqual([]);
  });
});

describe("wholePeriods", () => {
  const points = ["2026-09-30", "2026-10-31", "2026-11-21"].map((period, i) => ({ period, value: i }));
  it("leaves a running month aside", () => {
    const main = row({ first_day: "2026-11-01", period: "2026-11-21" });
    expect(wholePeriods(main, points)).toEqual({ before: points[0], now: points[1] });
  });
  it("takes trailing windows and ended months as they are", () => {
    const both = { before: points[1], now: points[2] };
    expect(wholePeriods(row({ first_day: "2025-11-22", period: "2026-11-21" }), points)).toEqual(both);
    expect(wholePeriods(row({ first_day: "2025-12-01", period: "2026-11-29" }), points)).toEqual(both);
    expect(wholePeriods(row({ first_day: "2026-11-01", period: "2026-11-30" }), points)).toEqual(both);
    expect(wholePeriods(row({}), points.slice(0, 1))).toBeNull();
  });
});
