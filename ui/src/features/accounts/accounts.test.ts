import { describe, expect, it } from "vitest";
import type { Metric } from "@/api/types";
import { groupMetrics } from "./metricGroups";
import { chosenColumns, defaultColumns, nextSort, sortOf, toQuery, writeColumns } from "./rules";
import { tell } from "./sentences";
import { mrrSteps } from "./steps";

const known = [
  { id: "plan", label: "Plan", type: "text", unit: null },
  { id: "seats", label: "Seats", type: "integer", unit: null },
  { id: "invoices_30d", label: "Invoices", type: "number", unit: "number" },
];

describe("the address of the list", () => {
  it("turns into the API's query", () => {
    expect(toQuery({ q: "north", active: "no", columns: "plan" }, "2026-06-30", known)).toEqual({
      q: "north",
      segment: undefined,
      owner: undefined,
      band: undefined,
      filter: undefined,
      sort: "-mrr",
      as_of: "2026-06-30",
      active: "false",
      columns: "plan",
    });
  });
  it("asks only for columns that exist", () => {
    expect(toQuery({ columns: "plan,gone" }, undefined, known).columns).toBe("plan");
  });
  it("shows the usual columns, or the first metrics of a program that has none of them", () => {
    expect(defaultColumns(known)).toEqual(["invoices_30d"]);
    expect(defaultColumns([...known, { id: "nps_latest", label: "NPS", type: "number", unit: "points" }])).toEqual([
      "nps_latest",
    ]);
  });
  it("keeps the choice of no column apart from no choice", () => {
    expect(chosenColumns(writeColumns([], known), known)).toEqual([]);
    expect(writeColumns(["invoices_30d"], known)).toBeUndefined();
    expect(chosenColumns(undefined, known)).toEqual(["invoices_30d"]);
  });
  it("turns an order over and off: numbers begin with the highest, text with A", () => {
    expect(nextSort(undefined, "mrr", false)).toBe("-mrr");
    expect(nextSort("-mrr", "mrr", false)).toBe("mrr");
    expect(nextSort("mrr", "mrr", false)).toBeUndefined();
    expect(nextSort("-mrr", "name", true)).toBe("name");
    expect(sortOf("-mrr", "mrr")).toBe("descending");
    expect(sortOf("-mrr", "name")).toBe("none");
  });
});

describe("tell", () => {
  const say = (name: string, properties: Record<string, unknown> = {}) => tell({ name, kind: "x", properties });
  it("tells what is known and leaves out what is not", () => {
    expect(say("feature_used", { feature: "course_assignment" }).sentence).toBe("Used “course assignment”");
    expect(say("feature_used").sentence).toBe("Used a feature");
    expect(say("churned", { reason: "feature_gaps" }).sentence).toBe("Churned because of feature gaps");
    expect(say("churned").sentence).toBe("Churned");
    expect(say("mrr_changed", { from: 400, to: 620, currency: "USD", reason: "upsell" }).sentence).toBe(
      "MRR changed from $400 to $620 a month (upsell)",
    );
  });
  it("quotes what a customer wrote", () => {
    expect(say("survey_answered", { survey: "nps", score: 9, comment: "Good" })).toEqual({
      sentence: "Answered NPS with 9",
      quote: "Good",
    });
  });
  it("tells an unknown event by its name", () => {
    expect(say("robot_danced")).toEqual({ sentence: "Robot danced", quote: null });
  });
  it("sums up what changed", () => {
    expect(say("account_updated", { changes: { plan: ["Basic", "Plus"], seats: [null, 5] } }).sentence).toBe(
      "Changed plan from Basic to Plus, seats from nothing to 5",
    );
  });
});

it("draws MRR as it changes, nothing while the account is not active, and on to the day shown", () => {
  const spans = [
    { from: "2026-01-01", active: true, mrr: 100 },
    { from: "2026-02-01", active: true, mrr: null },
    { from: "2026-03-01", active: false, mrr: 120 },
  ];
  expect(mrrSteps(spans, "2026-04-01")).toEqual([
    ["2026-01-01", 100],
    ["2026-02-01", null],
    ["2026-03-01", 0],
    ["2026-04-01", 0],
  ]);
  expect(mrrSteps([], "2026-04-01")).toEqual([]);
});

it("gathers metrics and loses none", () => {
  const metric = (id: string): Metric => ({
    id,
    label: id,
    description: "",
    unit: "number",
    value: 1,
    window: null,
    first_day: null,
    explained: "",
  });
  const groups = groupMetrics(["logins_30d", "tickets_30d", "odd_thing", "nps_latest"].map(metric));
  expect(groups.map((g) => [g.title, g.metrics.map((m) => m.id)])).toEqual([
    ["Product use", ["logins_30d"]],
    ["Support", ["tickets_30d"]],
    ["Satisfaction", ["nps_latest"]],
    ["Other", ["odd_thing"]],
  ]);
});
