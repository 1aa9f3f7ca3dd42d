import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KpisAnswer, SegmentsAnswer } from "../src/api/types";
import { ask, breaches, overflow, send, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

type Exported = { version: { version: number }; files: Record<string, string> };
const exported = (page: Page) => ask<Exported>(page, "/program/export");

/** Waits until the trial is complete, then applies. */
async function apply(page: Page): Promise<void> {
  await page.getByText(/Computed over all history in/).waitFor();
  expect(await breaches(page)).toEqual([]);
  await page.getByLabel("Why (kept with the version)").fill("told by a story");
  await page.getByRole("button", { name: /Apply as version/ }).click();
  await page.getByText(/is in force\. Figures are being computed again/).waitFor();
}

describe("Segments", () => {
  it("edits a rule in rows with a live count, shows who would move, and applies it", async () => {
    const { page, context, problems } = await stage.open("/segments");
    const before = await exported(page);
    await page.getByRole("button", { name: "Edit the rule of Strategic" }).click();
    await page.getByRole("textbox", { name: "Value of mrr" }).fill("1500");
    await page.getByText(/active accounts match by this rule alone/).waitFor();
    await page.getByRole("button", { name: "Show who would move" }).click();
    await page.getByText("For example", { exact: false }).first().waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Apply these rules" }).click();
    await page.getByText(/Version \d+ is in force/).waitFor();
    const after = await exported(page);
    expect(after.files["segments.yaml"]).toBe(before.files["segments.yaml"]?.replace("mrr > 3500", "mrr > 1500"));
    const { segments } = await ask<SegmentsAnswer>(page, "/segments");
    expect(segments.find((s) => s.id === "strategic")?.rule).toBe("mrr > 1500");
    expect(problems).toEqual([]);
    await context.close();
  });

  it("shows flow, history, overlaps and who is nowhere", async () => {
    for (const tab of ["flow", "history", "overlaps", "unclassified"]) {
      const { page, context, problems } = await stage.open(`/segments?tab=${tab}`);
      await page.waitForLoadState("networkidle");
      expect(await breaches(page)).toEqual([]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(problems).toEqual([]);
      await context.close();
    }
  });
});

describe("Definitions", () => {
  it("adds a KPI by form, which then stands on the Overview", async () => {
    const { page, context } = await stage.open("/definitions?file=kpis.yaml");
    await page.getByRole("button", { name: "Add to kpis" }).click();
    await page.getByLabel("id", { exact: false }).first().fill("signing_in");
    await page.getByLabel("label", { exact: false }).first().fill("Signing in");
    await page.getByRole("combobox", { name: "Figure" }).click();
    await page.getByRole("option", { name: /Share of active accounts/ }).click();
    await page.getByRole("button", { name: "Keep in the draft" }).click();
    await page.getByText("Your draft", { exact: true }).waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.getByText(/Review and apply \(1\)/).click();
    await apply(page);
    const { kpis } = await ask<KpisAnswer>(page, "/kpis");
    expect(kpis.some((k) => k.kpi === "signing_in")).toBe(true);
    await page.goto("/");
    await page.getByRole("button", { name: "Signing in", exact: true }).waitFor();
    await context.close();
  });

  it("marks a mistake in YAML with its place, and takes it when it is mended", async () => {
    const { page, context } = await stage.open("/definitions?file=segments.yaml&view=yaml");
    const editor = page.getByRole("textbox", { name: "segments.yaml as YAML" });
    await editor.waitFor();
    const { files } = await exported(page);
    const text = files["segments.yaml"] ?? "";
    const write = async (next: string) => {
      await editor.click();
      await page.keyboard.press("Control+A");
      await page.keyboard.insertText(next);
    };
    await write(text.replace("employees <= 50", "employes <= 50"));
    await page
      .getByText(/'employes' is neither/)
      .first()
      .waitFor();
    await page
      .getByText(/Did you mean 'employees'/)
      .first()
      .waitFor();
    expect(await breaches(page)).toEqual([]);
    await write(text.replace("employees <= 50", "employees <= 60"));
    await page.getByText("The checker has nothing to say against it.").waitFor();
    await page.getByText(/Draft, kept/).waitFor();
    await page.getByText(/Review and apply \(1\)/).click();
    await apply(page);
    expect((await exported(page)).files["segments.yaml"]).toBe(text.replace("employees <= 50", "employees <= 60"));
    await context.close();
  });

  it("restores an earlier version after its consequences were seen", async () => {
    const { page, context } = await stage.open("/definitions?view=versions");
    const now = (await exported(page)).version.version;
    await page.getByRole("button", { name: `What version ${now} changed` }).click();
    await page.getByRole("region", { name: "Lines of segments.yaml" }).waitFor();
    await page.getByRole("button", { name: "Restore version 1" }).click();
    await page.getByText(/Computed over all history in/).waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Apply version 1 again" }).click();
    await page.getByText(/is in force\. Figures are being computed again/).waitFor();
    const first = await ask<Exported>(page, "/program/export?version=1");
    expect((await exported(page)).files).toEqual(first.files);
    await context.close();
  });

  it("shows the second of two editors both changes, and overwrites nothing", async () => {
    const { page, context } = await stage.open("/definitions?file=segments.yaml&entry=digital");
    const { files } = await exported(page);
    await page.getByLabel("description", { exact: false }).last().fill("Small ones.");
    await page.getByRole("button", { name: "Keep in the draft" }).last().click();
    await page.getByText("Your draft", { exact: true }).waitFor();
    const theirs = { ...files, "segments.yaml": (files["segments.yaml"] ?? "").replace("mrr > 3500", "mrr > 3600") };
    await send(page, "/program/apply", { files: theirs, note: "somebody else" });
    await page.reload();
    await page.getByText(/nothing was\s+overwritten/).waitFor();
    await page
      .getByRole("region", { name: "What they changed" })
      .getByText(/mrr > 3600/)
      .waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Take both changes" }).click();
    await page.getByText(/nothing was\s+overwritten/).waitFor({ state: "detached" });
    await page.getByText(/Review and apply \(1\)/).click();
    await apply(page);
    const after = (await exported(page)).files["segments.yaml"] ?? "";
    expect(after).toContain("mrr > 3600");
    expect(after).toContain("description: Small ones.");
    await context.close();
  });

  it("changes the window of a metric by form, and says before it is applied what that moves", async () => {
    const { page, context, problems } = await stage.open("/definitions?file=metrics.yaml&entry=content_views_30d");
    const before = (await exported(page)).files["metrics.yaml"] ?? "";
    const window = page.getByLabel("window", { exact: false }).first();
    expect(await window.inputValue()).toBe("30d");
    // What cannot be is said beside the field, and cannot be applied.
    await window.fill("30 apples");
    await page.getByRole("button", { name: "Keep in the draft" }).last().click();
    await page
      .getByText(/30 apples/)
      .first()
      .waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.getByLabel("window", { exact: false }).first().fill("60d");
    await page.getByRole("button", { name: "Keep in the draft" }).last().click();
    await page.getByText("Your draft", { exact: true }).waitFor();
    await page.getByText(/Review and apply \(1\)/).click();
    await apply(page);
    const after = (await exported(page)).files["metrics.yaml"] ?? "";
    const line = before.split("\n").find((l) => l.includes("id: content_views_30d")) ?? "";
    expect(after).toBe(before.replace(line, line.replace("window: 30d", "window: 60d")));
    expect(problems).toEqual([]);
    await context.close();
  });

  it("leads from a mistake in YAML to its place, and completes the right name by keys", async () => {
    const { page, context, problems } = await stage.open("/definitions?file=segments.yaml&view=yaml");
    const editor = page.getByRole("textbox", { name: "segments.yaml as YAML" });
    await editor.waitFor();
    const before = (await exported(page)).files["segments.yaml"] ?? "";
    const wrong = before.replace(/employees <= \d+/, "emploees <= 55");
    const line = wrong.split("\n").findIndex((l) => l.includes("emploees")) + 1;
    const column = (wrong.split("\n")[line - 1] ?? "").indexOf("emploees") + 1;
    expect(line).toBeGreaterThan(0);
    await editor.click();
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText(wrong);
    const said = page.getByRole("list", { name: "Problems" }).getByRole("listitem");
    await said.filter({ hasText: "Did you mean 'employees'?" }).waitFor();
    expect(await breaches(page)).toEqual([]);
    // What is wrong cannot be applied.
    await page.getByText(/Draft, kept/).waitFor();
    // From the message to its place: the cursor stands before the word.
    await said.getByRole("button", { name: `Line ${line}, column ${column}` }).click();
    const active = page.locator(".cm-activeLine");
    await active.filter({ hasText: "emploees <= 55" }).waitFor();
    for (let i = 0; i < "emploees".length; i += 1) await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.type("empl");
    const offered = page.getByRole("option", { name: /^employees/ });
    await offered.waitFor();
    await page.keyboard.press("Escape");
    await offered.waitFor({ state: "detached" });
    await page.keyboard.press("Control+Space");
    await page.locator("[aria-selected=true]", { hasText: "employees" }).waitFor();
    // The list takes no key in its first moments, so that nobody chooses by a key that was meant for the text.
    await page.waitForTimeout(150);
    await page.keyboard.press("Enter");
    await active.filter({ hasText: "employees <= 55" }).waitFor();
    await page.getByText("The checker has nothing to say against it.").waitFor();
    await page.getByText(/Draft, kept/).waitFor();
    await page.getByText(/Review and apply \(1\)/).click();
    await apply(page);
    const after = (await exported(page)).files["segments.yaml"] ?? "";
    expect(after).toBe(wrong.replace("emploees", "employees"));
    expect(problems).toEqual([]);
    await context.close();
  });

  it("changes a tile of a shipped dashboard by form, sees it before, and finds it on the page", async () => {
    const { page, context, problems } = await stage.open("/dashboards/engagement");
    const tile = page.locator("[data-tile=content]");
    await tile.waitFor();
    const before = (await exported(page)).files;
    const file = Object.keys(before).find((f) => /^id: engagement$/m.test(before[f] ?? "")) ?? "";
    await page.getByRole("button", { name: "Definition", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Definitions" }).waitFor();
    expect(new URL(page.url()).searchParams.get("file")).toBe(file);
    await page
      .getByRole("button", { name: /^Content consumption/ })
      .first()
      .click();
    const form = page.getByRole("region", { name: "Content consumption" });
    const field = (name: string) =>
      form.getByLabel(name, { exact: true }).or(form.getByLabel(`${name} *`, { exact: true }));
    // Only what a figure can have is asked for.
    expect(await field("steps").count()).toBe(0);
    await form.locator("[data-preview]").waitFor();
    await field("title").fill("Content used, month by month");
    await field("kind").click();
    await page.getByRole("option", { name: "line", exact: true }).click();
    await field("kpis").click();
    await page.getByRole("option", { name: "engagement_rate", exact: true }).waitFor();
    await page.keyboard.press("Escape");
    // What it would show, before anything is kept.
    const preview = form.getByRole("region", { name: "Preview" });
    await preview.getByText("Content used, month by month").waitFor();
    await preview.locator("[data-preview] svg").first().waitFor();
    await form.getByRole("button", { name: "Keep in the draft" }).click();
    await page.getByText("Your draft", { exact: true }).waitFor();
    expect(await breaches(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.getByText(/Review and apply \(1\)/).click();
    const changes = page.getByRole("table", { name: "Changes" });
    await changes.getByText("tiles.content.kind: figure → line").waitFor();
    await changes.getByText("tiles.content.title: nothing → Content used, month by month").waitFor();
    await apply(page);
    await page.goto("/dashboards/engagement");
    await page.getByRole("region", { name: "Content used, month by month" }).locator("svg").first().waitFor();
    // Every other byte of every file is as it was.
    const after = (await exported(page)).files;
    const old = (before[file] ?? "").split("\n");
    const now = (after[file] ?? "").split("\n");
    const changed = old.findIndex((l) => l.includes("id: content,"));
    expect(now[changed]).toContain("kind: line");
    expect(now[changed]).toContain("Content used, month by month");
    expect(now.toSpliced(changed, 1)).toEqual(old.toSpliced(changed, 1));
    expect({ ...after, [file]: "" }).toEqual({ ...before, [file]: "" });
    expect(problems).toEqual([]);
    await context.close();
  });
});
