import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DashboardPage, DashboardsAnswer } from "../src/api/types";
import { ask, breaches, overflow, send, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

describe("Dashboards", () => {
  it("lists the fifteen, and each opens with all its tiles and no fault", async () => {
    const { page, context, problems } = await stage.open("/dashboards");
    const all = await ask<DashboardsAnswer>(page, "/dashboards");
    const dashboards = all.dashboards.filter((d) => d.shipped);
    expect(dashboards.length).toBe(15);
    for (const d of dashboards) {
      await page.getByRole("link", { name: d.title, exact: true }).click();
      await page.getByRole("heading", { level: 1, name: d.title }).waitFor();
      await page
        .locator("[data-tile]")
        .nth(d.tiles - 1)
        .waitFor();
      expect(await page.getByText("This tile could not be made").count(), d.id).toBe(0);
      await page.getByRole("main").getByRole("link", { name: "Dashboards" }).click();
      await page.getByRole("heading", { level: 1, name: "Dashboards" }).waitFor();
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it("filters the whole page through its address, and shows what the API answers", async () => {
    const { page, context } = await stage.open("/dashboards/engagement");
    await page.getByLabel("Segment", { exact: true }).selectOption("core");
    await page.waitForURL(/segment=core/);
    const data = await ask<DashboardPage>(page, "/dashboards/engagement/data?segment=core");
    const figure = data.tiles.find((t) => t.id === "rate")?.figure;
    if (figure?.numerator !== null && figure?.denominator)
      await page.locator("[data-tile=rate]").getByText(`${figure.numerator} of ${figure.denominator}`).waitFor();
    await page.getByLabel("Compare with").selectOption("year");
    await page.waitForURL(/compare=year/);
    await page.getByLabel("Period").selectOption("6m");
    await page.waitForURL(/period=6m/);
    await context.close();
  });

  it("opens a figure and a cell into the accounts behind them, and these as a view of Accounts", async () => {
    const { page, context } = await stage.open("/dashboards/customer_retention_rate?segment=all");
    await page
      .locator("[data-tile=year]")
      .getByRole("button", { name: /Open the accounts behind it/ })
      .click();
    const drawer = page.getByRole("dialog");
    await drawer.getByRole("table", { name: "Accounts behind it" }).getByRole("link").first().waitFor();
    await drawer.getByRole("button", { name: "Close" }).click();
    await page
      .locator("[data-tile=cohorts]")
      .getByRole("button", { name: /Open the accounts/ })
      .first()
      .click();
    await page.getByRole("dialog").getByRole("link", { name: "Open in Accounts" }).click();
    await page.getByRole("table", { name: "Accounts" }).getByRole("link").first().waitFor();
    expect(new URL(page.url()).searchParams.get("filter")).toContain("started_on");
    await context.close();
  });

  it("has a table in the place of each chart", async () => {
    const { page, context } = await stage.open("/dashboards/engagement");
    const tile = page.locator("[data-tile=rate_by_segment]");
    await tile.getByRole("button", { name: /as a table/ }).click();
    await tile.getByRole("table", { name: "Engagement rate by segment and month" }).waitFor();
    await context.close();
  });

  it("shows an answer that is behind with its date, and the new one when it is there", async () => {
    const { page, context, problems } = await stage.open("/dashboards");
    const sql = "SELECT count(*) AS notes FROM events WHERE name = 'note_added'";
    const tiles = [{ id: "notes", kind: "table", title: "Notes so far", sql }];
    const { id } = await send<{ id: string }>(page, "/dashboards", { definition: { title: "Notes", tiles } });
    await page.goto(`/dashboards/${id}`);
    const tile = page.getByRole("region", { name: "Notes so far" });
    const number = async () => Number(await tile.getByRole("cell").first().innerText());
    const before = await number();
    const { items } = await ask<{ items: { account_id: string }[] }>(page, "/accounts?limit=1");
    await send(page, `/accounts/${items[0]?.account_id}/notes`, { body: "Something happened." });
    // A query that was just run rests a moment.
    await page.waitForTimeout(2_000);
    const calls: string[] = [];
    page.on("request", (r) => {
      if (r.url().includes(`/dashboards/${id}/data`)) calls.push(r.url());
    });
    await page.reload();
    await tile.getByText("being brought up to date").waitFor();
    expect(await number()).toBe(before);
    expect(await breaches(page)).toEqual([]);
    await expect.poll(number).toBe(before + 1);
    await tile.getByText("being brought up to date").waitFor({ state: "detached" });
    // Asked for again soon, and then left alone.
    await page.waitForTimeout(4_000);
    expect(calls.length).toBeLessThanOrEqual(4);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("breaks no rule of accessibility in either scheme, and fits a phone", async () => {
    for (const dark of [false, true]) {
      for (const path of ["/dashboards", "/dashboards/customer_retention_rate", "/dashboards/onboarding_completion"]) {
        const { page, context } = await stage.open(path, { dark });
        if (path !== "/dashboards") await page.locator("[data-tile]").first().waitFor();
        expect(await breaches(page), `${path} dark=${dark}`).toEqual([]);
        await context.close();
      }
    }
    const { page, context } = await stage.open("/dashboards/engagement", { width: 390, height: 844 });
    await page.locator("[data-tile]").first().waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await context.close();
  });
});
