import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountsPage, KpisAnswer } from "../src/api/types";
import { ask, base, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

describe("signing in", () => {
  it("refuses a wrong password in words, and keeps the page that was asked for", async () => {
    const { page, context } = await stage.open("/accounts?q=a", {}, false);
    await page.getByLabel("E-mail").fill("nobody@example.com");
    await page.locator("input[name=password]").fill("not the password at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("E-mail or password is not right.").waitFor();
    expect(new URL(page.url()).pathname).toBe("/accounts");
    await context.close();
  });
});

describe("Overview", () => {
  it("shows each KPI that the API answers, with the sides it is made of", async () => {
    const { page, context, problems } = await stage.open("/");
    const { kpis } = await ask<KpisAnswer>(page, "/kpis?by=segment");
    expect(kpis.length).toBeGreaterThan(5);
    for (const label of new Set(kpis.map((k) => k.label)))
      await page.getByRole("button", { name: label, exact: true }).waitFor();
    const share = kpis.find(
      (k) =>
        k.unit === "ratio" &&
        k.scope === "all" &&
        k.value !== null &&
        k.numerator !== null &&
        k.denominator !== null &&
        k.denominator < 1000 &&
        Number.isInteger(k.numerator),
    );
    if (share) await page.getByText(`${share.numerator} of ${share.denominator}`).first().waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("opens a figure into its history and the accounts behind it", async () => {
    const { page, context } = await stage.open("/");
    const { kpis } = await ask<KpisAnswer>(page, "/kpis?by=segment");
    const known = kpis.find(
      (k) => k.scope === "all" && k.value !== null && k.unit === "ratio" && (k.numerator ?? 0) > 0,
    );
    if (!known) throw new Error("The data has no share to open.");
    await page.getByRole("button", { name: known.label, exact: true }).click();
    const drawer = page.getByRole("dialog");
    await drawer
      .getByRole("img", { name: /by month and segment/ })
      .locator("svg")
      .waitFor();
    const first = drawer.getByRole("table", { name: "Accounts in the numerator" }).getByRole("link").first();
    const name = await first.textContent();
    await first.click();
    await page.getByRole("heading", { level: 1, name: name ?? "" }).waitFor();
    await context.close();
  });

  it("says when it does not speak of the present, on every page, and goes back", async () => {
    const { page, context } = await stage.open("/");
    await page.getByRole("button", { name: /Live\. Change the day/ }).click();
    await page.getByRole("button", { name: "End of last month" }).click();
    const banner = page.getByText(/Everything here is shown as of/);
    await banner.waitFor();
    const day = new URL(page.url()).searchParams.get("as_of");
    expect(day).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    await page.getByRole("link", { name: "Segments", exact: true }).click();
    await banner.waitFor();
    expect(new URL(page.url()).searchParams.get("as_of")).toBe(day);
    await page.getByRole("button", { name: "Back to live" }).click();
    await banner.waitFor({ state: "detached" });
    await context.close();
  });
});

describe("Accounts", () => {
  it("finds, orders and opens accounts by keys alone", async () => {
    const { page, context, problems } = await stage.open("/");
    await page.keyboard.press("g");
    await page.keyboard.press("a");
    await page.getByRole("heading", { name: "Accounts" }).waitFor();
    await page.getByRole("table", { name: "Accounts" }).getByRole("link").first().waitFor();
    const head = page.getByRole("columnheader", { name: "MRR" });
    await head.getByRole("button").click();
    await page.waitForURL(/sort=mrr/);
    const { items } = await ask<AccountsPage>(page, "/accounts?sort=mrr&limit=2");
    const second = items[1];
    if (!second) throw new Error("The data has fewer than two accounts.");
    await page.getByRole("table", { name: "Accounts" }).locator('[data-index="1"]', { hasText: second.name }).waitFor();
    await page.getByRole("heading", { name: "Accounts" }).click();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.locator('[data-index="1"] a:focus').waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: second.name }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("shows the server's words at a filter that it cannot read", async () => {
    const { page, context } = await stage.open("/accounts");
    const field = page.getByLabel("Filter expression");
    await field.fill("no_such_column > 3");
    await field.press("Enter");
    await page
      .locator("form", { has: field })
      .getByText(/no_such_column/)
      .waitFor();
    await field.fill("mrr > 0");
    await field.press("Enter");
    await page.getByRole("table", { name: "Accounts" }).getByRole("link").first().waitFor();
    expect(new URL(page.url()).searchParams.get("filter")).toBe("mrr > 0");
    await context.close();
  });
});

describe("the palette", () => {
  it("goes to an account that is typed", async () => {
    const { page, context } = await stage.open("/");
    const { items } = await ask<AccountsPage>(page, "/accounts?limit=1");
    const name = items[0]?.name ?? "";
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: /Account, page, action or day/ }).fill(name);
    await page.getByRole("option", { name }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await context.close();
  });
});

describe("an account", () => {
  it("can be opened by its address, and tells its timeline in sentences", async () => {
    const first = await stage.open("/");
    const { items } = await ask<AccountsPage>(first.page, "/accounts?sort=-mrr&limit=1");
    await first.context.close();
    const account = items[0];
    if (!account) throw new Error("The data has no account.");
    const { page, context, problems } = await stage.open(`/accounts/${encodeURIComponent(account.account_id)}`);
    await page.getByRole("heading", { level: 1, name: account.name }).waitFor();
    await page.getByRole("table", { name: "Metrics" }).waitFor();
    await page.getByRole("region", { name: "Timeline" }).getByRole("listitem").first().waitFor();
    expect(problems).toEqual([]);
    expect(page.url().startsWith(base)).toBe(true);
    await context.close();
  });
});

describe("Targets", () => {
  it("shows what two documents want of one figure side by side", async () => {
    const { context, page, problems } = await stage.open("/targets");
    type Targets = { targets: { id: string; kpi_label: string; source: string; conflicts_with: string[] }[] };
    const { targets } = await ask<Targets>(page, "/targets");
    const torn = targets.find((t) => t.conflicts_with.length > 0);
    if (!torn) throw new Error("No target is in conflict.");
    const other = targets.find((t) => t.id === torn.conflicts_with[0]);
    const pair = page.getByRole("article").filter({ hasText: torn.kpi_label }).filter({ hasText: torn.source }).first();
    await pair.waitFor();
    const told = (await pair.textContent()) ?? "";
    for (const document of [torn.source, other?.source ?? ""]) expect(told).toContain(document.split(",")[0]);
    expect(problems).toEqual([]);
    await context.close();
  });
});

describe("on paper", () => {
  it("leaves out what only a screen needs, and nothing of the page", async () => {
    const { context, page } = await stage.open("/dashboards/customer_retention_rate");
    await page.locator("article, section").first().waitFor();
    const menu = page.getByRole("navigation").first();
    expect(await menu.isVisible()).toBe(true);
    await page.emulateMedia({ media: "print" });
    expect(await menu.isVisible()).toBe(false);
    await page.getByRole("heading", { name: "Customer Retention Rate" }).waitFor();
    const pdf = await page.pdf({ format: "A4" });
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    await context.close();
  });
});
