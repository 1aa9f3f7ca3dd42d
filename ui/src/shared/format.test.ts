import { describe, expect, it } from "vitest";
import { ago, day, isDay, monthEnd, monthStart, endOfDay } from "./days";
import { bytes, change, figure, money, scalar, seconds, sides, words } from "./format";

const plain = (s: string | null | undefined) => (s ?? "").replace(/\u00a0|\u202f/g, " ");

describe("figure", () => {
  it("writes a fraction as percent and points plainly", () => {
    expect(figure(0.305, "ratio")).toBe("30.5%");
    expect(figure(27.4, "points")).toBe("27.4");
    expect(figure(-5, "points")).toBe("-5");
  });
  it("says that there is no data instead of zero", () => {
    expect(figure(null, "ratio")).toBe("no data");
    expect(figure(0, "ratio")).toBe("0%");
  });
  it("writes durations with their unit", () => {
    expect(figure(1, "days")).toBe("1 day");
    expect(figure(17.25, "days")).toBe("17.3 days");
    expect(figure(31.5, "hours")).toBe("31.5 h");
  });
});

describe("money", () => {
  it("uses the account's currency, with cents only where they matter", () => {
    expect(plain(money(1234.5, "USD"))).toBe("$1,235");
    expect(plain(money(12.5, "EUR"))).toBe("€12.50");
    expect(plain(money(8_412_000, "USD", true))).toBe("$8.41M");
  });
  it("survives a currency that does not exist", () => {
    expect(money(10, "nope")).toBe("10 nope");
    expect(money(null, "USD")).toBe("–");
  });
});

describe("change", () => {
  it("names percentage points for shares and percent for numbers", () => {
    expect(change(0.32, 0.3, "ratio", "up")).toMatchObject({ text: "+2 pp", direction: "up", good: true });
    expect(change(110, 100, "number", "up")).toMatchObject({ text: "+10 %", good: true });
    expect(change(30, 25, "points", "up")).toMatchObject({ text: "+5 pts", spoken: "points" });
  });
  it("knows that less can be better", () => {
    expect(change(0.09, 0.1, "ratio", "down")).toMatchObject({ text: "−1 pp", good: true });
    expect(change(20, 10, "hours", "down")).toMatchObject({ text: "+100 %", good: false });
  });
  it("does not invent a change where a side is missing, nor divide by zero", () => {
    expect(change(1, null, "number", "up")).toBeNull();
    expect(change(5, 0, "number", "up")?.text).toBe("+5 ");
    expect(change(0.3, 0.3, "ratio", "up")).toMatchObject({ direction: "same", good: null });
  });
});

describe("days", () => {
  it("does not move a calendar day through time zones", () => {
    expect(day("2026-06-30", "long")).toBe("June 30, 2026");
    expect(day("2026-06-30", "month")).toBe("Jun 2026");
  });
  it("tells existing days from others", () => {
    expect(isDay("2024-02-29")).toBe(true);
    expect(isDay("2026-02-29")).toBe(false);
    expect(isDay("2026-6-1")).toBe(false);
    expect(isDay(20260601)).toBe(false);
  });
  it("finds the ends of months across years", () => {
    expect(monthEnd("2026-01-15", 1)).toBe("2025-12-31");
    expect(monthEnd("2024-03-01", 1)).toBe("2024-02-29");
    expect(monthStart("2026-01-31", 12)).toBe("2025-01-01");
  });
  it("says how long ago something was", () => {
    const now = Date.parse("2026-06-30T12:00:00Z");
    expect(ago("2026-06-30T11:57:00Z", now)).toBe("3 min ago");
    expect(ago("2026-06-30T11:59:50Z", now)).toBe("just now");
    expect(ago("2026-06-28T12:00:00Z", now)).toBe("2 days ago");
    expect(ago(null, now)).toBe("never");
  });
});

describe("endOfDay", () => {
  it("finds the end of a day where the program lives", () => {
    expect(endOfDay("2026-06-30", "UTC")).toBe("2026-07-01T00:00:00.000Z");
    expect(endOfDay("2026-06-30", "America/Los_Angeles")).toBe("2026-07-01T07:00:00.000Z");
    expect(endOfDay("2026-12-31", "Asia/Kolkata")).toBe("2026-12-31T18:30:00.000Z");
  });
  it("is right on the days on which the clocks are changed", () => {
    // Clocks go from 02:00 to 03:00 on 8 March and back on 1 November 2026.
    expect(endOfDay("2026-03-07", "America/Los_Angeles")).toBe("2026-03-08T08:00:00.000Z");
    expect(endOfDay("2026-03-08", "America/Los_Angeles")).toBe("2026-03-09T07:00:00.000Z");
    expect(endOfDay("2026-10-31", "America/Los_Angeles")).toBe("2026-11-01T07:00:00.000Z");
    expect(endOfDay("2026-11-01", "America/Los_Angeles")).toBe("2026-11-02T08:00:00.000Z");
  });
});

describe("small things", () => {
  it("writes both sides of a ratio only when both are known", () => {
    expect(sides(34, 120, "ratio")).toBe("34 of 120");
    expect(sides(34, null, "ratio")).toBeNull();
    expect(sides(1204, 70, "days")).toBe("n = 70");
  });
  it("writes any value", () => {
    expect(scalar(true)).toBe("yes");
    expect(scalar("2026-06-30")).toBe("Jun 30, 2026");
    expect(scalar("")).toBe("–");
    expect(scalar(0.5, "ratio")).toBe("50%");
  });
  it("writes sizes and lengths", () => {
    expect(bytes(1536)).toBe("1.5 KB");
    expect(seconds(0.2)).toBe("200 ms");
    expect(seconds(7200)).toBe("2 h");
    expect(words("feature_gaps")).toBe("Feature gaps");
  });
});
