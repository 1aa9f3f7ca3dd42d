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

type Trained = { items: { id: string; state: string; proven: boolean | null; promoted_at: string | null }[] };

it("asks a manager for a reason before a model that is not proven comes into force, and keeps it", async () => {
  // Of sixty accounts some pay less or leave: enough to train on, too few to prove anything.
  const outcome = "contraction";
  const { page, context, problems } = await stage.open(`/accuracy?outcome=${outcome}`);
  const models = () => ask<Trained>(page, `/models?outcome=${outcome}`);
  await page.getByRole("button", { name: "Train a model" }).click();
  await page.getByRole("menuitem", { name: /^Transparent/ }).click();
  await expect.poll(async () => (await models()).items[0]?.state, { timeout: 120_000 }).toBe("done");
  await page.reload();
  await page.getByRole("button", { name: "Put in force" }).click();
  const dialog = page.getByRole("dialog", { name: "Put it in force all the same?" });
  await dialog.getByText(/What speaks against it/).waitFor();
  expect(await breaches(page)).toEqual([]);
  // Without a reason nothing can be sent, and going away leaves everything as it was.
  const force = dialog.getByRole("button", { name: "Put it in force" });
  expect(await force.isDisabled()).toBe(true);
  await dialog.getByRole("button", { name: "Leave it out of force" }).click();
  await dialog.waitFor({ state: "hidden" });
  expect((await models()).items[0]?.promoted_at).toBeNull();
  await page.getByRole("button", { name: "Put in force" }).click();
  await dialog.getByLabel("Reason").fill("The board wants to see it work");
  await force.click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: /^Take out of force/ }).waitFor();
  const kept = await ask<{ items: { detail: { note: string; despite: boolean } }[] }>(
    page,
    "/audit?action=model.promote",
  );
  expect(kept.items[0]?.detail).toMatchObject({ note: "The board wants to see it work", despite: true });
  await page.getByRole("button", { name: /^Take out of force/ }).click();
  await page.getByRole("button", { name: "Put in force" }).waitFor();
  expect(problems.filter((text) => !text.includes("409"))).toEqual([]);
  await context.close();
});
