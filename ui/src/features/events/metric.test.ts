import { describe, expect, it } from "vitest";
import { draft } from "./metric";

describe("a metric to start from", () => {
  it("counts a name", () => {
    expect(draft("login").yaml).toBe(
      '- id: login_30d\n  label: "login, 30 days"\n  unit: number\n  measure: count\n  events: [login]\n  window: 30d\n',
    );
  });

  it("adds numbers and tells other values apart, whatever they are called", () => {
    const sum = draft("Order Placed", { name: "total", types: ["number", "text"] });
    expect(sum.id).toBe("order_placed_total_30d");
    expect(sum.yaml).toContain("measure: sum");
    expect(sum.yaml).toContain('events: ["Order Placed"]');
    expect(sum.yaml).toContain(`of: "prop_num(properties, 'total')"`);
    const kinds = draft("login", { name: "it's", types: ["text"] });
    expect(kinds.yaml).toContain("measure: distinct");
    expect(kinds.yaml).toContain(`prop(properties, 'it''s')`);
  });
});
