import { describe, expect, it } from "vitest";
import { cell } from "./exporting";

describe("cells of a file for a spreadsheet", () => {
  it("cannot be taken for formulas", () => {
    for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]) {
      expect(cell(text).replace(/^"/, "").startsWith("'"), text).toBe(true);
    }
    expect(cell(-1)).toBe("-1");
  });

  it("are quoted where they hold quotes, commas or line ends", () => {
    expect(cell('a "b", c')).toBe('"a ""b"", c"');
    expect(cell("a\nb")).toBe('"a\nb"');
    expect([cell(null), cell("plain"), cell(0.25)]).toEqual(["", "plain", "0.25"]);
  });
});
