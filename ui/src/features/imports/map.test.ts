import { describe, expect, it } from "vitest";
import { assign, extraName, fieldOf, given, knownOf, put, targetOf, translate, withKnown, type Doc } from "./map";

const doc: Doc = {
  fields: {
    account_id: "Id",
    name: { column: "Firm", default: "?" },
    owner: { column: "Plan", lookup: { file: "plans.csv", key: "plan", value: "owner" } },
    currency: { constant: "EUR" },
  },
};
const columns = ["Id", "Firm", "Plan", "Zip Code"];

describe("a column's place in a map", () => {
  it("is the field that takes it as it is; a lookup's key is not taken", () => {
    expect(fieldOf(doc, "Id")).toBe("account_id");
    expect(fieldOf(doc, "Firm")).toBe("name");
    expect(fieldOf(doc, "Plan")).toBeNull();
    expect(targetOf(doc, "Plan", "attributes")).toEqual({ to: "kept" });
    expect(targetOf(doc, "Plan", "ignore")).toEqual({ to: "skip" });
  });

  it("moves to another field, which no other column keeps", () => {
    const moved = assign(doc, "Plan", { to: "field", field: "name" }, columns, "attributes");
    expect(moved.fields).toEqual({
      account_id: "Id",
      name: "Plan",
      owner: doc.fields?.owner,
      currency: { constant: "EUR" },
    });
    const renamed = assign(doc, "Id", { to: "field", field: "parent_id" }, columns, "attributes");
    expect(Object.keys(renamed.fields ?? {})).toEqual(["parent_id", "name", "owner", "currency"]);
  });

  it("is kept as it was when the same field is chosen again", () => {
    expect(assign(doc, "Firm", { to: "field", field: "name" }, columns, "attributes")).toEqual(doc);
  });

  it("left out names the columns that stay", () => {
    const out = assign(doc, "Zip Code", { to: "skip" }, columns, "attributes");
    expect(out.others).toBe("ignore");
    expect(out.fields).toEqual({ ...doc.fields, "attributes.plan": "Plan" });
    expect(assign(out, "Plan", { to: "skip" }, columns, "ignore").fields).toEqual(doc.fields);
    expect(assign(out, "Zip Code", { to: "kept" }, columns, "ignore").fields?.["attributes.zip_code"]).toBe("Zip Code");
  });

  it("is named as the server names it", () => {
    expect(extraName("Zip Code", "attributes")).toBe("attributes.zip_code");
    expect(extraName("zipCode", "attributes")).toBe("attributes.zip_code");
    expect(extraName("properties.x", "properties")).toBe("properties.x");
  });
});

describe("when a file's dates were known", () => {
  it("is said beside how they are written, and the usual is not", () => {
    const dated = withKnown({ ...doc, dates: { format: "%d.%m.%Y" } }, "as_dated");
    expect(dated.dates).toEqual({ format: "%d.%m.%Y", known: "as_dated" });
    expect([knownOf(doc), knownOf(dated)]).toEqual(["imported", "as_dated"]);
    expect(withKnown(dated, "imported").dates).toEqual({ format: "%d.%m.%Y" });
    expect(withKnown(withKnown(doc, "as_dated"), "imported")).toEqual(doc);
  });
});

describe("other sources", () => {
  it("are constants, lookups and columns used twice", () => {
    const twice = { fields: { ...doc.fields, "attributes.firm": "Firm" } };
    expect(given(twice).map(([field]) => field)).toEqual(["owner", "currency", "attributes.firm"]);
  });

  it("come and go, written in the shortest way", () => {
    expect(put(doc, "name", { column: "Firm", values: {}, default: "" }).fields?.name).toBe("Firm");
    expect(put(doc, "currency", null).fields).not.toHaveProperty("currency");
  });

  it("translate texts one by one", () => {
    const one = translate(doc, "name", "N/A", "unknown");
    expect(one.fields?.name).toEqual({ column: "Firm", default: "?", values: { "N/A": "unknown" } });
    expect(translate(one, "name", "N/A", null)).toEqual(doc);
  });
});
