import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, breaches, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

type Line = { account_id: string; name: string; points: number | null; band: string | null };
type List = { items: Line[]; total: number; average: number | null; bands: Record<string, number> };
type Stood = { auc: unknown; proven: boolean; running: number | null; against: { beaten: boolean }[] };
type One = {
  points: number | null;
  before: number | null;
  base: number;
  clipped: number;
  overridden: number;
  lines: { contribution: number }[];
  difference: { total: number; changes: { by_value: number; by_weight: number }[] } | null;
};

it("lets the head of CS see who is red, and narrow the page to them", async () => {
  const { page, context, problems } = await stage.open("/health");
  const all = await ask<List>(page, "/scores");
  expect(all.average).not.toBeNull();
  await page.getByRole("heading", { name: "Health", level: 1 }).waitFor();
  await page.getByRole("img", { name: /Accounts by score/ }).waitFor();
  await page.getByRole("button", { name: /^Red/ }).click();
  await page.waitForURL(/band=red/);
  const red = await ask<List>(page, "/scores?band=red");
  expect(red.total).toBe(all.bands.red);
  const first = red.items[0];
  if (!first) throw new Error("Nobody is red.");
  await page.getByRole("link", { name: first.name, exact: true }).first().waitFor();
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

it("states on the page itself what the score is worth, with its interval and what it beats", async () => {
  const { page, context, problems } = await stage.open("/health");
  const stood = async () => (await ask<Stood>(page, "/scores/health/accuracy")).running;
  // The demo tests its score by itself.
  await expect.poll(stood, { timeout: 120_000 }).toBeNull();
  const it = await ask<Stood>(page, "/scores/health/accuracy");
  await page.reload();
  const line = page.getByRole("note", { name: "Accuracy of this score" });
  await line.waitFor();
  const text = (await line.textContent()) ?? "";
  if (it.auc) {
    expect(text).toContain(it.proven ? "Proven" : "Not proven");
    expect(text).toMatch(/AUC 0\.\d+ \(0\.\d+–[01](\.\d+)?\)/);
    expect(text).toContain(`beats ${it.against.filter((one) => one.beaten).length} of ${it.against.length} baselines`);
  } else {
    expect(text).toContain("has not been tested yet");
  }
  expect(await breaches(page)).toEqual([]);
  await line.getByRole("link").click();
  await page.getByRole("heading", { name: "Accuracy", level: 1 }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

it("says of an account why it has its score, and lets a CSM override it", async () => {
  const { page, context, problems } = await stage.open("/health?band=red");
  const red = await ask<List>(page, "/scores?band=red");
  const first = red.items[0];
  if (!first) throw new Error("Nobody is red.");
  const path = `/accounts/${encodeURIComponent(first.account_id)}`;
  const one = await ask<One>(page, `${path}/scores`);
  const sum = one.base + one.clipped + one.overridden + one.lines.reduce((all, l) => all + l.contribution, 0);
  expect(Math.abs(sum - (one.points ?? Number.NaN))).toBeLessThan(1e-9);
  await page.goto(path);
  const panel = page.getByRole("region", { name: "Health" });
  await panel.getByText("What costs most").waitFor();
  await panel.getByText(/^Ledger/).click();
  await panel.getByRole("table", { name: "What the score is made of" }).waitFor();
  expect(await breaches(page)).toEqual([]);
  await panel.getByRole("button", { name: "Override" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Exactly").click();
  await dialog.getByLabel("Points").fill("88");
  await dialog.getByLabel("Why").fill("Met their board yesterday.");
  expect(await breaches(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Override the score" }).click();
  await dialog.waitFor({ state: "detached" });
  await panel
    .getByText(/Met their board yesterday/)
    .first()
    .waitFor();
  expect((await ask<One>(page, `${path}/scores`)).points).toBe(88);
  await panel.getByRole("button", { name: "Override" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take it away" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(async () => (await ask<One>(page, `${path}/scores`)).points).toBeCloseTo(one.points ?? 0, 6);
  expect(problems).toEqual([]);
  await context.close();
});

it("lets a manager draw a curve by keys and by hand, with what it would do beside it", async () => {
  const { page, context, problems } = await stage.open("/health?edit=digital");
  const panel = page.getByRole("region", { name: "Model" });
  await panel.getByText(/^features_30d/).click();
  const knot = panel.getByRole("slider", { name: "Knot 2 of features_30d" });
  const points = async () => Number(await knot.getAttribute("aria-valuenow"));
  const before = await points();
  await knot.focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(points).toBe(before + 1);
  expect(await panel.getByRole("group", { name: "Knots of features_30d" }).getByLabel("Points 2").inputValue()).toBe(
    String(before + 1),
  );
  const box = await knot.boundingBox();
  if (!box) throw new Error("The knot is not drawn.");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 - 20, { steps: 4 });
  await page.mouse.up();
  await expect.poll(points).toBeGreaterThan(before + 5);
  const beside = panel.getByRole("complementary", { name: "What the change would do" });
  await beside.getByText(/accounts would have other points/).waitFor();
  await beside.getByText(/AUC|nothing can be said/).waitFor();
  // A measure is added with a curve over its real values, and taken away again.
  await panel.getByRole("combobox", { name: "Add a measure to Product use" }).click();
  await page.getByRole("option", { name: "Days with use, 30 days" }).click();
  await panel.getByText(/^active_days_30d/).click();
  await panel.getByRole("slider", { name: "Knot 1 of active_days_30d" }).waitFor();
  expect(await breaches(page)).toEqual([]);
  await panel.getByRole("button", { name: "Remove active_days_30d" }).click();
  await panel.getByText(/^active_days_30d/).waitFor({ state: "detached" });
  await panel.getByText("Versions").click();
  await panel.getByRole("table", { name: "Versions of the score" }).waitFor();
  await panel.getByRole("button", { name: "Take back" }).click();
  await expect.poll(points).toBe(before);
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});

it("shows what became of accounts by band and direction", async () => {
  const { page, context, problems } = await stage.open("/health");
  type Proof = { cells: { band: string; state: string; accounts: number; churned: number }[] };
  const proof = await ask<Proof>(page, "/scores/movement");
  const cell = proof.cells.find((c) => c.band === "red");
  if (!cell) throw new Error("Nobody was red.");
  const panel = page.getByRole("region", { name: "Churn by band and direction" });
  await panel.getByText(`${cell.churned} of ${cell.accounts}`).first().waitFor();
  await context.close();
  expect(problems).toEqual([]);
});

it("can be read on a phone and in the dark", async () => {
  const { page, context, problems } = await stage.open("/health", { width: 390, height: 844, dark: true });
  await page.getByRole("img", { name: /Accounts by score/ }).waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide).toBeLessThanOrEqual(0);
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});
