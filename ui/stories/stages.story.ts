import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountsPage, KpisAnswer } from "../src/api/types";
import { ask, breaches, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

const STAGES = ["adopt", "expand", "land", "renew"];
const SEGMENTS = ["strategic", "core", "digital"];
/** The name of a part as pages show it, in small letters: accounts without a stage are "None". */
const shown = (part: string) => (part === "(none)" ? "none" : part.toLowerCase());

describe("the lifecycle stage", () => {
  it("splits the figure behind a point, and its parts are the whole", async () => {
    const { page, context, problems } = await stage.open("/dashboards/engagement?segment=all");
    await page
      .locator("[data-tile=rate]")
      .getByRole("button", { name: /Open the accounts behind it/ })
      .click();
    const drawer = page.getByRole("dialog");
    await drawer.getByRole("table", { name: "Accounts behind it" }).getByRole("link").first().waitFor();
    const choice = drawer.getByLabel("Split by");
    // It is offered once, although it is an attribute too.
    expect(await choice.locator("option", { hasText: "Lifecycle stage" }).count()).toBe(1);
    await choice.selectOption({ label: "Lifecycle stage" });
    const table = drawer.getByRole("table", { name: "Split by Lifecycle stage" });
    await table.getByRole("button").first().waitFor();
    const { kpis } = await ask<KpisAnswer>(page, "/kpis?by=stage");
    const rows = kpis.filter((k) => k.kpi === "engagement_rate");
    // Segments that have a target are told of beside the parts.
    const parts = rows.filter((k) => k.scope !== "all" && !SEGMENTS.includes(k.scope));
    const whole = rows.find((k) => k.scope === "all");
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect([...STAGES, "(none)"]).toContain(part.scope);
    const sum = (side: "numerator" | "denominator") => parts.reduce((s, k) => s + (k[side] ?? 0), 0);
    expect([sum("numerator"), sum("denominator")]).toEqual([whole?.numerator, whole?.denominator]);
    // What the drawer says of each part is what the API says.
    const told = await table
      .locator("tbody tr")
      .evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll("td, th")].map((cell) => (cell as HTMLElement).innerText.trim())),
      );
    for (const part of parts.filter((k) => k.denominator)) {
      const row = told.find(([name]) => name?.toLowerCase() === shown(part.scope));
      expect(row?.[2], `${part.scope}: ${JSON.stringify(told)}`).toBe(`${part.numerator} of ${part.denominator}`);
    }
    // A part opens its own accounts.
    const one = parts.find((k) => (k.numerator ?? 0) > 0 && k.scope !== "(none)");
    await table.getByRole("button", { name: new RegExp(`^${one?.scope}$`, "i") }).click();
    await drawer.getByText("show all again").waitFor();
    expect(await breaches(page)).toEqual([]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("splits the bridge of revenue, and its parts are the whole", async () => {
    const { page, context, problems } = await stage.open("/revenue");
    await page.getByRole("radiogroup", { name: "Split by" }).getByText("Lifecycle stage").click();
    await page.waitForURL(/by=stage/);
    const table = page.getByRole("table", { name: "Bridge by stage" });
    await table.getByRole("button").first().waitFor();
    const { kpis } = await ask<KpisAnswer>(page, "/kpis?by=stage");
    const arr = kpis.filter((k) => k.kpi === "arr");
    const whole = arr.find((k) => k.scope === "all")?.value ?? 0;
    const parts = arr.filter((k) => k.scope !== "all").reduce((s, k) => s + (k.value ?? 0), 0);
    expect(whole).toBeGreaterThan(0);
    expect(Math.abs(parts - whole)).toBeLessThan(0.01);
    type Line = { currency: string; opening: number; closing: number };
    type Bridge = {
      period: string;
      periods: { period: string; currencies: Line[] }[];
      parts: { value: string; currencies: Line[] }[];
    };
    const bridge = await ask<Bridge>(page, "/revenue/bridge?by=stage&grain=month&periods=13");
    const all = bridge.periods.find((p) => p.period === bridge.period)?.currencies[0];
    for (const side of ["opening", "closing"] as const)
      expect(bridge.parts.reduce((s, p) => s + (p.currencies[0]?.[side] ?? 0), 0)).toBeCloseTo(all?.[side] ?? -1, 2);
    // The page has a row for each part that is not empty, and each opens its own accounts.
    const names = (await table.getByRole("button").allInnerTexts()).map((name) => name.toLowerCase());
    const there = bridge.parts.filter((p) => p.currencies[0]?.opening || p.currencies[0]?.closing);
    expect(names).toEqual(expect.arrayContaining(there.map((p) => shown(p.value))));
    await table.getByRole("button").first().click();
    await page.getByRole("dialog").getByRole("link").first().waitFor();
    expect(await breaches(page)).toEqual([]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("stands in the head of an account with its first day", async () => {
    const { page, context, problems } = await stage.open("/accounts");
    const { items } = await ask<AccountsPage>(page, "/accounts?sort=-mrr&limit=1");
    const path = `/accounts/${encodeURIComponent(items[0]?.account_id ?? "")}`;
    type Profile = { account: { attributes: Record<string, unknown> }; stage: { stage: string; days: number } | null };
    const told = await ask<Profile>(page, `${path}/profile`);
    expect(STAGES).toContain(told.stage?.stage);
    expect(told.account.attributes.lifecycle_stage).toBe(told.stage?.stage);
    await page.goto(path);
    const fact = page.getByRole("region", { name: "Facts" }).locator("div", { hasText: /^Lifecycle stage since/ });
    await fact.getByText(new RegExp(`^${told.stage?.stage}$`, "i")).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });
});
