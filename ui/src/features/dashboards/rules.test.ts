import { describe, expect, it } from "vitest";
import type { DashboardPage, Tile } from "@/api/types";
import { behind, inGroups, looksAgain, seriesColor, shade, tickLabel, waitsFor } from "./rules";

const series = {
  key: "digital",
  label: "Digital",
  values: [0.1, 0.2],
  numerators: [1, 2],
  denominators: [10, 10],
  intervals: [],
  targets: [],
  before: [],
  kpi: "churn",
  scope: "digital",
  days: ["2026-05-31", "2026-06-30"],
  filters: [],
};
const tile: Tile = {
  id: "t",
  title: "Churn",
  description: "",
  kind: "line",
  width: 6,
  height: 4,
  state: "ready",
  note: null,
  unit: "ratio",
  better: "down",
  kpi: "churn",
  by: "segment",
  segment: null,
  computed_at: null,
  freshness: "current",
  figure: null,
  over_time: true,
  axis: [
    { key: "2026-05-31", label: "2026-05-31" },
    { key: "2026-06-30", label: "2026-06-30" },
  ],
  series: [series],
  points: [],
  axes: [],
  columns: [],
  rows: [],
  text: null,
};
const page = (t: Tile) =>
  ({
    as_of: "2026-06-30",
    filters: { owner: "a@b.c", segment: "all", compare: "none", period: null },
    tiles: [t],
  }) as unknown as DashboardPage;

describe("the accounts behind a point", () => {
  it("are parts of a KPI on the day and in the scope of the point", () => {
    const found = behind(page(tile), { tile: "t", series: "digital", at: "2026-05-31" });
    expect(found?.title).toBe("Churn: May 2026");
    expect(found?.of).toMatchObject({
      kind: "kpi",
      kpi: "churn",
      as_of: "2026-05-31",
      by: "segment",
      scope: "digital",
      owner: "a@b.c",
    });
  });

  it("are those that its condition chooses, where it has one", () => {
    const filters = [null, "mrr > 3"];
    const found = behind(page({ ...tile, series: [{ ...series, filters }] }), {
      tile: "t",
      series: "digital",
      at: "2026-06-30",
    });
    expect(found?.of).toEqual({ kind: "filter", filter: "mrr > 3", active: "true" });
  });

  it("are nowhere for a place that the page does not have", () => {
    expect(behind(page(tile), { tile: "x" })).toBeNull();
    expect(behind(page(tile), { tile: "t", series: "digital", at: "1999-01-31" })).toBeNull();
  });
});

describe("words and colours", () => {
  it("names months by month and other days by day", () => {
    expect(tickLabel(tile, 1)).toBe("Jun 2026");
    const axis = [
      { key: "2026-06-03", label: "" },
      { key: "2026-06-04", label: "" },
    ];
    expect(tickLabel({ ...tile, axis }, 0)).toBe("Jun 3, 2026");
  });

  it("shades between the least and the most, and the middle where all are alike", () => {
    expect([shade(1, [1, 3]), shade(3, [1, 3]), shade(2, [2, 2])]).toEqual([0, 1, 0.5]);
  });

  it("keeps a segment's colour among others, and one colour for a series alone", () => {
    expect(seriesColor(tile, series, 0)).toBe("var(--brand)");
    expect(seriesColor({ ...tile, series: [series, series] }, series, 0)).toBe("var(--seg-3)");
  });

  it("says what is waited for in words", () => {
    expect(waitsFor("scores")).toBe("health scores");
    expect(waitsFor("moonlight")).toBe("moonlight");
  });

  it("keeps the order of groups", () => {
    expect(inGroups([{ group: "b" }, { group: "a" }, { group: "b" }]).map(([g, l]) => [g, l.length])).toEqual([
      ["b", 2],
      ["a", 1],
    ]);
  });
});

describe("a page is asked for again", () => {
  it("each minute while it is live, and not at all on a day that has passed", () => {
    expect(looksAgain(0, true)).toBe(60_000);
    expect(looksAgain(0, false)).toBe(false);
  });
  it("soon while a tile is being brought up to date, and less often the longer that takes", () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => looksAgain(n, false) as number);
    expect(pauses[0]).toBe(1_500);
    for (const [at, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(pauses[at - 1] ?? 0);
    // A query may take ten seconds: about five calls until then.
    let at = 0;
    const calls = pauses.filter((pause) => (at += pause) <= 10_000).length;
    expect(calls).toBeLessThanOrEqual(5);
    expect(looksAgain(50, true)).toBe(20_000);
  });
});
