import { expect, it } from "vitest";
import type { DashboardPage } from "@/api/types";
import { fileName, filtersInWords } from "./exporting";

const page = {
  title: "Churn / 12 months",
  as_of: "2026-06-30",
  segments: [{ id: "core", label: "Core" }],
  filters: { segment: "core", owner: null, period: "6m", compare: "year" },
} as unknown as DashboardPage;

it("says the filters of a page, and names its files after it", () => {
  expect(filtersInWords(page)).toBe("Core, period 6m, compared with the year before");
  expect(fileName(page, undefined, "pdf")).toBe("Churn-12-months-2026-06-30.pdf");
});
