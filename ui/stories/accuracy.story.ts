import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, breaches, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

type Backtests = { items: { id: string; state: string; auc: { value: number } | null }[] };

it("lets the head of CS run a back-test, leave, and find what the score is worth", async () => {
  const { page, context, problems } = await stage.open("/accuracy");
  const begun = page.waitForResponse((r) => r.url().endsWith("/backtests") && r.request().method() === "POST");
  await page.getByRole("button", { name: "Run a back-test" }).click();
  expect((await begun).ok()).toBe(true);
  await page.goto("/risk");
  await page.getByRole("heading", { name: "Risk" }).waitFor();
  await page.getByRole("link", { name: "How accurate is this?" }).click();
  await expect
    .poll(async () => (await ask<Backtests>(page, "/scores/health/backtests")).items[0]?.state, { timeout: 120_000 })
    .toBe("done");
  await page.reload();
  await page.getByRole("heading", { name: /^(Not proven|Proven)$/ }).waitFor();
  await page.getByRole("table", { name: "AUC by cutoff" }).waitFor();
  await page.getByRole("table", { name: "Methods" }).waitFor();
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});
