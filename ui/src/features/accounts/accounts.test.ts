import { describe, expect, it } from "vitest";
import type { Metric } from "@/api/types";
import { groupMetrics } from "./metricGroups";
import { chosenColumns, DEFAULT_COLUMNS, nextSort, sortOf, toQuery, writeColumns } from "./rules";
import { tell } from "./sentences";
import { mrrSteps } from "./steps";

describe("the address of the list", () => {
  it("turns into the API's query", () => {
    expect(toQuery({ q: "north", active: "no", columns: "plan" }, "2026-06-30", undefined)).toEqual({
      q: "north", segment: undefined, owner: undefined, filter: undefined, sort: undefined, as_of: "2026-06-30", active: false, columns: "plan",
    });
  });
  it("asks only for columns that exist", () => {
    expect(toQuery({ columns: "plan,gone" }, undefined, [{ id: "plan", label: "Plan", type: "text", unit: null }]).columns).toBe("plan");
  });
  it("keeps the choice of no column apart from no choice", () => {
    expect(chosenColumns(undefined)).toEqual(DEFAULT_COLUMNS);
    expect(chosenColumns(writeColumns([]))).toEqual([]);
    expect(writeColumns([...DEFAULT_COLUMNS])).toBeUndefined();
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
    expect(say("feature_used", { feature: "Reports" }).sentence).toBe("Used “Reports”");
    expect(say("feature_used").sentence).toBe("Used a feature");
    expect(say("churned", { reason: "feature_gaps" }).sentence).toBe("Churned because of feature gaps");
    expect(say("churned").sentence).toBe("Churned");
    expect(say("mrr_changed", { from: 400, to: 620, currency: "USD", reason: "upsell" }).sentence).toBe("MRR changed from $400 to $620 a month (upsell)");
  });
  it("quotes what a customer wrote", () => {
    expect(say("survey_answered", { survey: "nps", score: 9, comment: "Good" })).toEqual({ sentence: "Answered NPS with 9", quote: "Good" });
  });
  it("tells an unknown event by its name", () => {
    expect(say("robot_danced")).toEqual({ sentence: "Robot danced", quote: null });
  });
  it("sums up what changed", () => {
    expect(say("account_updated", { changes: { plan: ["Basic", "Plus"], seats: [null, 5] } }).sentence).toBe("Changed plan from Basic to Plus, seats from nothing to 5");
  });
});

it("sums subscriptions into steps; the last day of one is the first without it", () => {
  const sub = (from_day: string, to_day: string | null, mrr: number) => ({ subscription_id: from_day, from_day, to_day, mrr, currency: "USD", reason: null });
  expect(mrrSteps([sub("2026-01-01", "2026-03-01", 100), sub("2026-02-01", null, 50), sub("2026-03-01", null, 120)])).toEqual([
    { day: "2026-01-01", mrr: 100 }, { day: "2026-02-01", mrr: 150 }, { day: "2026-03-01", mrr: 170 },
  ]);
});

it("gathers metrics and loses none", () => {
  const metric = (id: string): Metric => ({ id, label: id, unit: null, value: 1, window: null, explained: null });
  const groups = groupMetrics(["logins_30d", "tickets_30d", "odd_thing", "nps_latest"].map(metric));
  expect(groups.map((g) => [g.title, g.metrics.map((m) => m.id)])).toEqual([
    ["Product use", ["logins_30d"]], ["Support", ["tickets_30d"]], ["Satisfaction", ["nps_latest"]], ["Other", ["odd_thing"]],
  ]);
});
