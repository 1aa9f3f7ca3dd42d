import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, breaches, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

type Bridge = { periods: { currencies: { opening: number; closing: number; steps: { amount: number }[] }[] }[] };
type Accounts = { items: { account_id: string; name: string }[]; total: number };

it("lets the head of CS read the bridge and open a step into its accounts", async () => {
  const { page, context, problems } = await stage.open("/revenue?grain=12m");
  const bridge = await ask<Bridge>(page, "/revenue/bridge?grain=12m");
  const line = bridge.periods.at(-1)?.currencies[0];
  if (!line) throw new Error("The data has no bridge.");
  const sum = line.opening + line.steps.reduce((all, s) => all + s.amount, 0);
  expect(Math.round(sum * 100)).toBe(Math.round(line.closing * 100));
  await page.getByRole("button", { name: /^Churn: .*Show them/ }).click();
  const drawer = page.getByRole("dialog");
  const behind = await ask<Accounts>(page, "/revenue/bridge/accounts?grain=12m&step=churn");
  expect(behind.total).toBeGreaterThan(0);
  await drawer.getByText(`${behind.total} accounts`).waitFor();
  await drawer
    .getByRole("link", { name: behind.items[0]?.name ?? "", exact: true })
    .first()
    .waitFor();
  expect(new URL(page.url()).searchParams.get("step")).toBe("churn");
  expect(await breaches(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  await page.getByRole("tab", { name: "Churn" }).click();
  await page.getByRole("table", { name: "Churn by month" }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

it("records a cancellation with its reason, and shows it where it is asked for", async () => {
  const { page, context, problems } = await stage.open("/");
  const { items } = await ask<Accounts>(page, "/accounts?sort=mrr&limit=1");
  const account = items[0];
  if (!account) throw new Error("The data has no account.");
  await page.goto(`/revenue?tab=churn&account=${encodeURIComponent(account.account_id)}`);
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Record a cancellation").click();
  const record = dialog.getByRole("button", { name: "Record the cancellation" });
  expect(await record.isDisabled()).toBe(true);
  await dialog.getByRole("radio", { name: "Pricing" }).click();
  await dialog.getByRole("checkbox", { name: "Competitor" }).click();
  await dialog.getByLabel("Which competitor").fill("Acme");
  await dialog.getByLabel("In the customer's words").fill("Half the price elsewhere.");
  expect(await breaches(page)).toEqual([]);
  await record.click();
  await dialog.waitFor({ state: "detached" });
  type State = { active: boolean; facts: { about: string; now: { reason: string; author: string } }[] };
  await expect
    .poll(async () => (await ask<State>(page, `/revenue/accounts/${encodeURIComponent(account.account_id)}`)).active, {
      timeout: 20_000,
    })
    .toBe(false);
  await page.goto("/revenue?tab=churn&months=6&step=group&value=pricing");
  await page.getByRole("dialog").getByRole("link", { name: account.name, exact: true }).waitFor();
  await page.getByRole("button", { name: `Reason of ${account.name}` }).click();
  await page.getByText("Half the price elsewhere.", { exact: false }).first().waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

it("freezes a baseline by hand, and shows where the target leads", async () => {
  const { page, context, problems } = await stage.open("/targets");
  type Outlooks = { targets: { id: string; forecast: { probability: number } | null }[] };
  const { targets } = await ask<Outlooks>(page, "/targets/outlook");
  const known = targets.find((t) => t.forecast !== null);
  if (!known) throw new Error("No target has a forecast.");
  await page.goto(`/targets?target=${known.id}`);
  const drawer = page.getByRole("dialog");
  await drawer.getByText(/The chance to meet the goal is/).waitFor();
  await drawer
    .getByRole("img", { name: /the forecast to the deadline/ })
    .locator("svg")
    .waitFor();
  type Detail = { as_of: string };
  const { as_of } = await ask<Detail>(page, `/targets/${known.id}`);
  const month = new Date(Date.UTC(Number(as_of.slice(0, 4)), Number(as_of.slice(5, 7)) - 2, 0));
  await drawer.getByLabel("Measure on").fill(month.toISOString().slice(0, 10));
  await drawer.getByLabel("Why").fill("The quarter before the program.");
  await drawer.getByRole("button", { name: "Measure and freeze" }).click();
  await drawer.getByText(/Frozen at .*The quarter before the program\./).waitFor();
  await drawer.getByText(/frozen by hand/).waitFor();
  expect(await breaches(page)).toEqual([]);
  await drawer.getByLabel("Why").fill("Only tried.");
  await drawer.getByRole("button", { name: "Give back to the program" }).click();
  await drawer.getByText(/Given back to the program: Only tried\./).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

it("reads cohorts, saves and the top customers, each down to accounts", async () => {
  const { page, context, problems } = await stage.open("/revenue?tab=cohorts");
  type Cohorts = { cohorts: { cohort: string; cells: { age: number; numerator: number; denominator: number }[] }[] };
  const { cohorts } = await ask<Cohorts>(page, "/revenue/cohorts?measure=logo&grain=month&months=24");
  const lost = cohorts
    .flatMap((c) => c.cells.map((x) => ({ ...x, cohort: c.cohort })))
    .find((x) => x.numerator < x.denominator);
  if (!lost) throw new Error("Nobody has left.");
  const cell = `${lost.cohort}, ${lost.age} months: `;
  await page
    .getByRole("button", { name: new RegExp(`^${cell}.*, ${lost.numerator} of ${lost.denominator}\\. Show`) })
    .click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText(`${lost.denominator} accounts`).waitFor();
  await drawer.getByText("left", { exact: true }).first().waitFor();
  expect(await drawer.getByText("left", { exact: true }).count()).toBe(lost.denominator - lost.numerator);
  expect(await breaches(page)).toEqual([]);
  await page.keyboard.press("Escape");

  await page.goto("/revenue?tab=saves&months=24");
  type Saves = { total: number; all: { settled: number; proactive: number } };
  const saves = await ask<Saves>(page, "/revenue/saves?months=24&by=owner");
  await page.getByText(`${saves.total} notices`).waitFor();
  await page.getByText(`${saves.all.proactive} of ${saves.all.settled} whose 90 days have passed`).waitFor();
  expect(await breaches(page)).toEqual([]);

  await page.goto("/revenue?tab=top");
  const top = await ask<Accounts>(page, "/revenue/top?limit=100");
  const names = page.getByRole("table", { name: "Top customers" }).getByRole("link");
  await names.first().waitFor();
  expect(await names.allTextContents()).toEqual(top.items.map((a) => a.name));
  expect(await breaches(page)).toEqual([]);
  expect(problems).toEqual([]);
  await context.close();
});
