import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Download, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, breaches, readable, Stage } from "./browser";

const stage = new Stage();
/** Where pictures go, when somebody wants to look at them. */
const pictures = process.env.TENURE_PICTURES;
let own = "";

beforeAll(() => stage.start());
afterAll(() => stage.stop());

async function look(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

async function kept(download: Promise<Download>): Promise<{ name: string; bytes: Buffer }> {
  const file = await download;
  const bytes = readFileSync(await file.path());
  if (pictures) await file.saveAs(join(pictures, file.suggestedFilename()));
  return { name: file.suggestedFilename(), bytes };
}

const bar = (page: Page) => page.getByRole("group", { name: "Change the dashboard" });
const tile = (page: Page, title: string) => page.getByRole("region", { name: title, exact: true });

async function addTile(page: Page, fill: (drawer: ReturnType<Page["getByRole"]>) => Promise<void>): Promise<void> {
  await bar(page).getByRole("button", { name: "Add a tile" }).click();
  const drawer = page.getByRole("dialog", { name: "Add a tile" });
  await fill(drawer);
  await drawer.locator("[data-preview]").waitFor();
  await drawer.getByRole("button", { name: "Put it on the page" }).click();
  await drawer.waitFor({ state: "detached" });
}

async function chooseKpi(page: Page, drawer: ReturnType<Page["getByRole"]>, label: string): Promise<void> {
  await drawer.getByRole("combobox", { name: "KPI" }).fill(label);
  await page.getByRole("option", { name: label, exact: true }).click();
}

describe("Own dashboards", () => {
  it("is made empty, filled from a KPI, SQL and words, arranged by keys and by hand, undone, and saved", async () => {
    const { page, context, problems } = await stage.open("/dashboards");
    await page.getByRole("button", { name: "New dashboard" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Monday");
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Make it" }).click();
    await bar(page).waitFor();
    own = new URL(page.url()).pathname;

    await addTile(page, (drawer) => chooseKpi(page, drawer, "Engagement rate"));
    await tile(page, "Engagement rate").waitFor();

    await addTile(page, async (drawer) => {
      await drawer.getByText("SQL", { exact: true }).click();
      await drawer.getByText(/10 seconds, 256 MiB of memory and 2,000 rows/).waitFor();
      await drawer.getByText("Tables and columns").click();
      await drawer.getByLabel("Find a table or a column").fill("days_since_login");
      await drawer.getByText("days_since_login").first().waitFor();
      await drawer.getByRole("button", { name: /^Run/ }).click();
      await drawer.getByRole("table").waitFor();
      expect(await breaches(page)).toEqual([]);
      await look(page, "console");
      await drawer.getByLabel("Shown as").selectOption("bar");
      await drawer.getByLabel("Title").fill("Accounts by segment");
      await drawer.locator("[data-preview] svg").first().waitFor();
    });
    await addTile(page, async (drawer) => {
      await drawer.getByText("Text", { exact: true }).click();
      await drawer.getByRole("textbox", { name: "Text" }).fill("What we look at on Mondays.");
    });

    // By keys: taken, moved, put down, read out.
    const grip = page.getByRole("button", { name: "Move Accounts by segment", exact: true });
    await grip.focus();
    await page.keyboard.press("Enter");
    await page.getByText(/Taken: the arrow keys move it/).waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.getByText("Accounts by segment: place 1 of 3, 6 of 12 columns wide, 4 rows high").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText(/Put down\. Accounts by segment: place 1 of 3/).waitFor();
    const size = page.getByRole("button", { name: "Resize Accounts by segment" });
    await size.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.getByText(/8 of 12 columns wide/).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Put back where it was.").waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");

    // By hand: the grip of the figure is dragged onto the first tile.
    const order = () => page.locator("[data-slot]").evaluateAll((all) => all.map((e) => e.getAttribute("data-slot")));
    expect((await order())[0]).toBe("accounts_by_segment");
    const from = await page.getByRole("button", { name: "Move Engagement rate", exact: true }).boundingBox();
    const to = await page.locator("[data-slot]").first().boundingBox();
    if (!from || !to) throw new Error("The handles are not on the page.");
    await page.mouse.move(from.x + 6, from.y + 6);
    await page.mouse.down();
    await page.mouse.move(to.x + 80, to.y + 60, { steps: 8 });
    await page.mouse.up();
    expect((await order())[0]).toBe("engagement_rate");

    await page.getByRole("button", { name: "Remove Engagement rate" }).click();
    await tile(page, "Engagement rate").waitFor({ state: "detached" });
    await bar(page).getByRole("button", { name: "Undo" }).click();
    await tile(page, "Engagement rate").waitFor();
    await look(page, "editing");
    expect(await breaches(page)).toEqual([]);

    // What is not saved survives leaving the page.
    await page.reload();
    await page.getByText(/What you had changed before is still here/).waitFor();
    await bar(page).getByRole("button", { name: "Save" }).click();
    await bar(page).waitFor({ state: "detached" });
    await tile(page, "Accounts by segment").waitFor();
    const id = own.split("/").pop();
    const made = await ask<{ version: number; yaml: string; tiles: { id: string; width?: number }[] }>(
      page,
      `/dashboards/${id}`,
    );
    expect(made.tiles.map((t) => t.id)).toEqual(["engagement_rate", "accounts_by_segment", "text"]);
    expect(made.tiles[1]?.width).toBe(7);
    expect(made.yaml).toContain("title: Monday");
    expect(problems).toEqual([]);
    await context.close();
  });

  it("shows the second of two editors the difference and overwrites nothing", async () => {
    const one = await stage.open(`${own}?edit=1`);
    const two = await stage.open(`${own}?edit=1`);
    await bar(two.page).getByLabel("What it answers").fill("How the week begins");
    await bar(one.page).getByLabel("Name").fill("Monday morning");
    await bar(one.page).getByRole("button", { name: "Save" }).click();
    await bar(one.page).waitFor({ state: "detached" });
    await bar(two.page).getByRole("button", { name: "Save" }).click();
    await two.page.getByText(/nothing was overwritten/).waitFor();
    await two.page.getByRole("region", { name: "What they changed" }).getByText("Monday morning").waitFor();
    expect(await breaches(two.page)).toEqual([]);
    await look(two.page, "conflict");
    await two.page.getByRole("button", { name: "Take both changes" }).click();
    await two.page.getByRole("heading", { level: 1, name: "Monday morning" }).waitFor();
    await two.page.getByText("How the week begins").waitFor();
    await one.context.close();
    await two.context.close();
  });

  it("is shared, duplicated, shown as YAML, removed and brought back", async () => {
    const { page, context, problems } = await stage.open(own);
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("menuitemradio", { name: "Everybody may look", exact: true }).click();
    await page.getByRole("button", { name: "Shared" }).waitFor();
    await page.getByRole("button", { name: "Save as" }).click();
    await page.getByRole("menuitem", { name: /YAML/ }).click();
    await page
      .getByRole("region", { name: "YAML" })
      .getByText(/title: Monday morning/)
      .waitFor();
    await page.getByRole("menu").waitFor({ state: "detached" });
    expect(await breaches(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Duplicate" }).click();
    await page.getByRole("heading", { level: 1, name: "Copy of Monday morning" }).waitFor();
    await bar(page).getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Remove" }).click();
    await page.getByText("Copy of Monday morning is removed.").waitFor();
    expect(await breaches(page)).toEqual([]);
    await look(page, "list");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("link", { name: "Copy of Monday morning" }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("is saved as a picture, on paper and as tables, and so is each tile", async () => {
    const { page, context, problems } = await stage.open("/dashboards/churn_rate?segment=all");
    await page.locator("[data-tile]").nth(9).waitFor();
    const files: Record<string, Buffer> = {};
    for (const [item, kind] of [
      ["PDF", "pdf"],
      ["Picture (PNG)", "png"],
      ["Excel (XLSX), a sheet a tile", "xlsx"],
      ["CSV, a file a tile (zip)", "zip"],
    ] as const) {
      await page.getByRole("button", { name: "Save as" }).click();
      const download = page.waitForEvent("download");
      await page.getByRole("menuitem", { name: item }).click();
      const { name, bytes } = await kept(download);
      expect(name).toMatch(new RegExp(`^Churn-Rate-Dashboard-\\d{4}-\\d\\d-\\d\\d\\.${kind}$`));
      files[kind] = bytes;
    }
    expect(files.pdf?.subarray(0, 5).toString()).toBe("%PDF-");
    expect(files.png?.subarray(1, 4).toString()).toBe("PNG");
    expect(files.png?.length).toBeGreaterThan(40_000);
    for (const kind of ["xlsx", "zip"]) expect(files[kind]?.subarray(0, 2).toString()).toBe("PK");
    const chart = page.locator("[data-tile=reasons]");
    for (const [item, kind] of [
      ["CSV", "csv"],
      ["Picture (PNG)", "png"],
    ] as const) {
      await chart.getByRole("button", { name: /^Save / }).click();
      const download = page.waitForEvent("download");
      await page.getByRole("menuitem", { name: item, exact: true }).click();
      const { name, bytes } = await kept(download);
      expect(name.endsWith(`.${kind}`)).toBe(true);
      if (kind === "csv") expect(bytes.toString()).toContain("Figures up to");
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it("fills a wall, in both schemes, and is left with Escape", async () => {
    for (const dark of [false, true]) {
      const { page, context, problems } = await stage.open("/dashboards/engagement?wall=on", {
        dark,
        width: 1920,
        height: 1080,
      });
      const wall = page.getByRole("main", { name: "Engagement Dashboard" });
      await wall.locator("[data-tile]").first().waitFor();
      expect(await breaches(page), `dark=${dark}`).toEqual([]);
      await look(page, `wall-${dark ? "dark" : "light"}`);
      await page.keyboard.press("Escape");
      await wall.waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Full screen" }).click();
      await wall.waitFor();
      await wall.getByRole("button", { name: /Leave/ }).click();
      await wall.waitFor({ state: "detached" });
      expect(problems).toEqual([]);
      await context.close();
    }
  });

  it("opens a point into accounts that are split, saved as a file and kept as a segment", async () => {
    const { page, context, problems } = await stage.open("/dashboards/customer_retention_rate?segment=all");
    await page
      .locator("[data-tile=year]")
      .getByRole("button", { name: /Open the accounts behind it/ })
      .click();
    const drawer = page.getByRole("dialog");
    await drawer.getByRole("table", { name: "Accounts behind it" }).getByRole("link").first().waitFor();
    await drawer.getByLabel("Split by").selectOption("owner");
    await drawer
      .getByRole("table", { name: /Split by/ })
      .getByRole("button")
      .first()
      .click();
    await drawer.getByText("show all again").click();
    await drawer.getByRole("button", { name: "Save the list" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: "CSV" }).click();
    expect((await kept(download)).bytes.toString()).toContain("Account id");
    expect(await breaches(page)).toEqual([]);
    await look(page, "drill");
    await drawer.getByRole("button", { name: "Save as a segment" }).click();
    const dialog = page.getByRole("dialog", { name: "Save as a segment" });
    await dialog.getByLabel("Name").fill("Stayed this year");
    await dialog.getByText(/accounts that are here now, by name/).waitFor();
    await dialog.getByRole("button", { name: "Keep as a draft" }).click();
    await dialog.getByRole("link", { name: /See who would move/ }).click();
    await page.getByRole("heading", { level: 1, name: "Segments" }).waitFor();
    await page.getByText("Stayed this year").first().waitFor();
    // Nobody moved, and the draft goes as it came.
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByText("Stayed this year").first().waitFor({ state: "detached" });
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each(["own", "edit", "list"])("can be read and changed by everybody: %s", async (part) => {
    const path = { own, edit: `${own}?edit=1`, list: "/dashboards" }[part] ?? "";
    await readable(stage, path, (page, name) => look(page, `${part}-${name}`));
  });
});
