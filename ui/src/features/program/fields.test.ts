import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { changes, formOf, offers, schemaOf, tileFields, type Schema } from "./fields";

const schema = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../programs/schema/${name}.json`, import.meta.url), "utf8")) as Schema;

describe("forms from schemas", () => {
  it("ask for every field of an entry, in its kind", () => {
    const form = formOf(schema("kpis"));
    expect(form?.list).toBe("kpis");
    const kinds = Object.fromEntries(form?.fields.map((f) => [f.key, f.kind]) ?? []);
    expect(kinds).toMatchObject({
      id: "text",
      unit: "choice",
      better: "choice",
      proportion: "flag",
      facts: "code",
      description: "long",
    });
    expect(form?.fields.find((f) => f.key === "unit")?.choices).toContain("ratio");
    expect(form?.fields.find((f) => f.key === "id")?.limit).toMatch(/lower-case letters/);
    const metric = Object.fromEntries(formOf(schema("metrics"))?.fields.map((f) => [f.key, f.kind]) ?? []);
    expect(metric).toMatchObject({ measure: "choice", events: "list", kinds: "list", where: "code", window: "text" });
    const target = Object.fromEntries(formOf(schema("targets"))?.fields.map((f) => [f.key, f.kind]) ?? []);
    expect(target).toMatchObject({ baseline: "map", goal: "map", deadline: "date", kpi: "text" });
  });

  it("know the fields of the document itself, and its maps", () => {
    const segments = formOf(schema("segments"));
    expect(segments?.root.map((f) => [f.key, f.kind])).toEqual([["unclassified", "rule"]]);
    const events = formOf(schema("events"));
    expect([events?.list, events?.maps.toSorted()]).toEqual([null, ["kinds", "names"]]);
    expect(formOf(schema("program"))?.root.map((f) => f.key)).toContain("currency");
    expect(formOf(undefined)).toBeNull();
  });
});

describe("the form of a dashboard", () => {
  const form = formOf(schemaOf({ "dashboard.yaml": schema("dashboard") }, "dashboards/any.yaml"));
  const keys = (tile: Record<string, unknown>) => tileFields(form?.fields ?? [], tile).map((f) => f.key);
  it("has its tiles as entries, each with the fields of its kind", () => {
    expect(form?.list).toBe("tiles");
    expect(form?.root.map((f) => f.key)).toEqual(["id", "title", "group", "description", "source", "segment"]);
    const kinds = Object.fromEntries(form?.fields.map((f) => [f.key, f.kind]) ?? []);
    expect(kinds).toMatchObject({ kind: "choice", of: "choice", kpis: "list", sql: "code", width: "number" });
    expect(keys({ kind: "text" })).toEqual(expect.arrayContaining(["id", "title", "kind", "width", "text"]));
    expect(keys({ kind: "text" })).not.toContain("kpis");
    expect(keys({ kind: "text", kpis: ["arr"] })).toContain("kpis");
    expect(keys({ kind: "cohort" })).toContain("of");
  });
});

describe("completion in a document", () => {
  const form = formOf(schema("metrics"));
  const names = [{ label: "mrr" }];
  const labels = (before: string) => offers(before, form, names, { events: ["login"] }).map((o) => o.label);
  it("offers keys where keys stand, words where words stand, names in expressions", () => {
    expect(labels("  - i")).toContain("id");
    expect(labels("    me")).toContain("measure");
    expect(labels("  - {id: a, me")).toContain("measure");
    expect(labels("    measure: c")).toContain("count");
    expect(labels("    expr: m")).toEqual(["mrr"]);
    expect(labels("    events: [l")).toEqual(["login"]);
    expect(labels("  - {id: a, measure: c")).toContain("count");
    expect(labels("  - {id: a, events: [x, l")).toEqual(["login"]);
    expect(labels("  - {id: a, events: [x], me")).toContain("measure");
  });
});

describe("the fields that differ", () => {
  it("are set, and taken away when emptied", () => {
    expect(changes({ a: 1, b: "x", c: ["y"], d: "" }, { a: 1, b: "", c: ["y", "z"], e: true, f: [] })).toEqual({
      b: null,
      c: ["y", "z"],
      d: null,
      e: true,
    });
  });
});
