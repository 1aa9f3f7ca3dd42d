import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccountsPage } from "../src/api/types";
import { ask, breaches, readable, Stage } from "./browser";

const stage = new Stage();
let account = "";
beforeAll(async () => {
  await stage.start();
  const { page, context } = await stage.open("/");
  const { items } = await ask<AccountsPage>(page, "/accounts?limit=1");
  account = `/accounts/${encodeURIComponent(items[0]?.account_id ?? "")}`;
  await context.close();
});
afterAll(() => stage.stop());

const PAGES = [
  "/",
  "/accounts",
  "ACCOUNT",
  "/segments",
  "/definitions",
  "/definitions?file=kpis.yaml&entry=engagement_rate",
  "/definitions?file=metrics.yaml&view=yaml",
  "/definitions?view=versions",
  "/targets",
  "/revenue",
  "/revenue?tab=churn",
  "/revenue?tab=saves",
  "/revenue?tab=cohorts",
  "/revenue?tab=top",
  "/data",
  "/data?tab=imports",
  "/data?tab=rejects",
  "/data?tab=completeness",
  "/data?tab=events",
  "/data?tab=events&event=login",
  "/data?tab=sql",
  "/settings",
  "/settings?tab=keys",
  "/settings?tab=program",
  "/settings?tab=audit",
  "/settings?tab=you",
];

it.each(PAGES)("%s can be read by everybody, without a word from the console", (path) =>
  readable(stage, path === "ACCOUNT" ? account : path),
);

it("keeps the drawer of a figure readable too", async () => {
  const { page, context, problems } = await stage.open("/?kpi=engagement_rate&scope=digital");
  await page.getByRole("dialog").waitFor();
  await page.waitForLoadState("networkidle");
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

it("keeps the palette, the keys, the day and the choosers readable too", async () => {
  const { page, context, problems } = await stage.open("/accounts");
  await page.getByRole("table", { name: "Accounts" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Account, page, action or day/ }).fill("a");
  await page.getByRole("option").first().waitFor();
  expect(await breaches(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Show these keys").waitFor();
  expect(await breaches(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /Live\. Change the day/ }).click();
  await page.getByLabel("Show every figure as of").waitFor();
  expect(await breaches(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByLabel("Find a column").waitFor();
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

it("keeps the sign-in readable too", async () => {
  const { page, context } = await stage.open("/", {}, false);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(await breaches(page)).toEqual([]);
  await context.close();
});
