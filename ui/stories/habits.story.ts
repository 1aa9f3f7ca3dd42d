import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountsPage } from "../src/api/types";
import { ask, base, breaches, readable, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

describe("saved views", () => {
  it("keep a page under a name, start it, are shared, and are removed with a way back", async () => {
    const { page, context, problems } = await stage.open("/accounts?sort=mrr");
    await page.getByRole("button", { name: "Views", exact: true }).click();
    await page.getByRole("menuitem", { name: "Save this as a view…" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("By MRR");
    await page.getByLabel("The team sees it too").check();
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    const chooser = page.getByRole("button", { name: "By MRR" });
    await chooser.click();
    await page.getByRole("menuitem", { name: "Start with “By MRR”" }).click();
    await expect
      .poll(async () => (await ask<{ default_id: string | null }>(page, "/views?page=accounts")).default_id)
      .not.toBeNull();
    // A page that is entered without any choice starts with it, and its address says so.
    await page.goto("/accounts");
    await page.waitForURL(/sort=mrr/);
    await chooser.click();
    await page.getByRole("menuitem", { name: "No longer start with it" }).click();
    await chooser.click();
    await page.getByRole("menuitem", { name: "Remove “By MRR”" }).click();
    await page.getByText("“By MRR” is removed.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await chooser.waitFor();
    const { items } = await ask<{ items: { name: string; shared: boolean }[] }>(page, "/views?page=accounts");
    expect(items.map((v) => [v.name, v.shared])).toEqual([["By MRR", true]]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("keep Targets and Overview too", async () => {
    const { page, context, problems } = await stage.open("/targets");
    await page.getByRole("combobox", { name: "Scope" }).click();
    await page.getByRole("option", { name: "Digital", exact: true }).click();
    await page.waitForURL(/scope=digital/);
    expect(await breaches(page)).toEqual([]);
    for (const [path, name, part] of [
      ["", "Digital goals", /scope=digital/],
      ["/?status=behind", "What is behind", /status=behind/],
    ] as const) {
      if (path) await page.goto(path);
      await page.getByRole("button", { name: "Views", exact: true }).click();
      await page.getByRole("menuitem", { name: "Save this as a view…" }).click();
      await page.getByRole("textbox", { name: "Name" }).fill(name);
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByRole("button", { name }).click();
      await page.getByRole("menuitem", { name: "Without a view" }).click();
      await page.waitForURL((url) => !part.test(url.href));
      await page.getByRole("button", { name: "Views", exact: true }).click();
      await page.getByRole("menuitem", { name }).click();
      await page.waitForURL(part);
    }
    expect(problems).toEqual([]);
    await context.close();
  });

  it("show the second editor what the first one made of it", async () => {
    const { page, context } = await stage.open("/contacts?flag=champion");
    await page.getByRole("button", { name: "Views", exact: true }).click();
    await page.getByRole("menuitem", { name: "Save this as a view…" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Champions");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Champions" }).waitFor();
    const { items } = await ask<{ items: { id: string; version: number }[] }>(page, "/views?page=contacts");
    const { csrf } = await ask<{ csrf: string }>(page, "/session");
    const other = await page.request.put(`${base}/api/v1/views/${items[0]?.id}`, {
      headers: { "x-csrf-token": csrf, origin: base },
      data: { version: 1, name: "Champions", state: { flag: "sponsor" }, shared: false },
    });
    expect(other.status()).toBe(200);
    await page.getByRole("searchbox").fill("a");
    await page.waitForURL(/q=a/);
    await page.getByRole("button", { name: "Champions (changed)" }).click();
    await page.getByRole("menuitem", { name: "Save the change to “Champions”" }).click();
    const dialog = page.getByRole("dialog", { name: "The view could not be saved" });
    await dialog.getByRole("cell", { name: "sponsor" }).waitFor();
    await dialog.getByRole("button", { name: "Save mine over it" }).click();
    await page.getByText("“Champions” is saved.").waitFor();
    await context.close();
  });
});

describe("the palette and the keys", () => {
  it("find contacts and what can be made, and write a note by one key", async () => {
    const { page, context, problems } = await stage.open("/");
    const { items } = await ask<{ items: { contact_id: string; name: string | null }[] }>(page, "/contacts?limit=20");
    const person = items.find((c) => (c.name ?? "").length > 4);
    if (!person?.name) throw new Error("The data has no contact with a name.");
    await page.keyboard.press("Control+k");
    const field = page.getByRole("combobox", { name: /Account, page, action or day/ });
    await field.fill(person.name);
    await page
      .getByRole("option", { name: new RegExp(person.name) })
      .first()
      .click();
    await page.waitForURL(/\/contacts\//);
    await page.keyboard.press("Control+k");
    await field.fill("invite");
    await page.getByRole("option", { name: "Invite a person" }).waitFor();
    await page.keyboard.press("Escape");
    const accounts = await ask<AccountsPage>(page, "/accounts?limit=1");
    await page.goto(`/accounts/${encodeURIComponent(accounts.items[0]?.account_id ?? "")}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page
      .getByText(/Markdown: /)
      .first()
      .waitFor();
    await page.keyboard.press("n");
    await page.locator("[data-new-note]:focus").first().waitFor();
    // While something is being written, keys are text.
    await page.keyboard.type("g i ?");
    expect(new URL(page.url()).pathname).toMatch(/^\/accounts\//);
    expect(await page.getByRole("dialog").count()).toBe(0);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("show their sheet, go by two letters, and walk any list", async () => {
    const { page, context, problems } = await stage.open("/");
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keys" });
    await sheet.getByText("Go to Inbox").waitFor();
    expect(await breaches(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await sheet.waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.getByRole("heading", { level: 1, name: "Contacts" }).waitFor();
    const rows = page.getByRole("table", { name: "Contacts" }).locator("tbody tr");
    await rows.nth(1).waitFor();
    await page.getByRole("heading", { level: 1 }).click();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await rows.nth(1).locator("a:focus").waitFor();
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/contacts\/.+/);
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });
});

describe("the inbox", () => {
  it("tells of a hand-over, leads to it, and is marked and unmarked", async () => {
    const { page, context, problems } = await stage.open("/inbox");
    const { user, csrf } = await ask<{ user: { email: string }; csrf: string }>(page, "/session");
    const { items } = await ask<AccountsPage>(page, "/accounts?sort=-mrr&limit=30");
    const account = items.find((a) => a.owner !== null && a.owner !== user.email);
    if (!account) throw new Error("The data has no account of somebody else.");
    const given = await page.request.post(`${base}/api/v1/reassignments`, {
      headers: { "x-csrf-token": csrf, origin: base },
      data: { accounts: [account.account_id], to: user.email, reason: "a story" },
    });
    expect(given.ok()).toBe(true);
    const title = `${account.name} was handed over to you`;
    await expect
      .poll(async () => JSON.stringify(await ask(page, "/inbox")), { timeout: 30_000, interval: 1_000 })
      .toContain(title);
    await page.reload();
    const line = page.getByRole("listitem").filter({ hasText: title });
    await page.getByRole("link", { name: /Inbox.* unread/ }).waitFor();
    expect(await breaches(page)).toEqual([]);
    await line.getByRole("button", { name: /^Read/ }).click();
    await line.getByRole("button", { name: /^Unread/ }).click();
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await page.getByText("0 unread").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await line.getByRole("button", { name: /^Read/ }).waitFor();
    const silence = page.getByLabel("A source falls silent");
    await silence.click();
    await expect.poll(() => silence.isChecked()).toBe(false);
    await line.getByRole("link").click();
    await page.getByRole("heading", { level: 1, name: account.name }).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });
});

describe("the first steps", () => {
  it("follow what is there, make a key, are put away and found again", async () => {
    const { page, context, problems } = await stage.open("/");
    const steps = page.getByRole("region", { name: /First steps: \d of 5 done/ });
    const { items } = await ask<{ items: { step: string; done: boolean }[] }>(page, "/first-steps");
    expect(items.find((s) => s.step === "program")?.done).toBe(true);
    // Stories before this one may have taken a step; the last one is always left to this one.
    const { csrf, preferences } = await ask<{ csrf: string; preferences: object }>(page, "/session");
    const unseen = { ...preferences, first_steps_hidden: false, dashboard_opened: false };
    const headers = { "x-csrf-token": csrf, origin: base };
    expect((await page.request.put(`${base}/api/v1/preferences`, { data: unseen, headers })).ok()).toBe(true);
    await page.reload();
    const connected = items.find((s) => s.step === "source")?.done;
    await steps.getByText(connected ? /Left: \S/ : /Left: .*Connect a source/).waitFor();
    expect(await breaches(page)).toEqual([]);
    await steps.getByRole("button", { name: "Put away" }).click();
    await steps.waitFor({ state: "detached" });
    await page.getByRole("button", { name: /Signed in as/ }).click();
    await page.getByRole("menuitem", { name: "First steps" }).click();
    await page.getByRole("heading", { level: 1, name: "First steps" }).waitFor();
    await page.getByText("Connect a source").waitFor();
    const make = page.getByRole("button", { name: "Make a key" });
    if (await make.isVisible()) {
      await make.click();
      await page.getByText(/curl -u tnr_/).waitFor();
    }
    expect(await breaches(page)).toEqual([]);
    // A dashboard that is opened ticks the last step.
    await page.goto("/dashboards");
    await page.getByRole("main").getByRole("link").first().click();
    await page.waitForURL(/\/dashboards\/.+/);
    await expect
      .poll(
        async () => {
          const now = await ask<{ items: { step: string; done: boolean }[] }>(page, "/first-steps");
          return now.items.find((s) => s.step === "dashboard")?.done;
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(true);
    expect(problems).toEqual([]);
    await context.close();
  });
});

describe("how one reads", () => {
  it("writes times in the reader's zone and figures in their way", async () => {
    const { page, context, problems } = await stage.open("/settings?tab=you");
    await page.getByRole("combobox", { name: "Time zone" }).fill("Asia/Tok");
    await page.getByRole("option", { name: "Asia/Tokyo" }).first().click();
    await page.getByRole("combobox", { name: "Days and figures" }).click();
    await page.getByRole("option", { name: /Deutsch \(Deutschland\)/ }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/23\.11\.2026, 00:04/).waitFor();
    await page.getByText(/1\.234\.568/).waitFor();
    await page.getByRole("combobox", { name: "Time zone" }).waitFor();
    const { csrf } = await ask<{ csrf: string }>(page, "/session");
    const back = await page.request.put(`${base}/api/v1/preferences`, {
      headers: { "x-csrf-token": csrf, origin: base },
      data: { time_zone: null, locale: null, first_steps_hidden: false, dashboard_opened: true },
    });
    expect(back.ok()).toBe(true);
    expect(problems).toEqual([]);
    await context.close();
  });
});

const PAGES = ["/inbox", "/inbox?show=unread", "/first-steps", "/settings?tab=you"];
it.each(PAGES)("%s can be read by everybody", (path) => readable(stage, path));
