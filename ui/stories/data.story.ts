import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, breaches, overflow, send, Stage } from "./browser";

const stage = new Stage();
const folder = mkdtempSync(join(tmpdir(), "tenure-story-data-"));
beforeAll(() => stage.start());
afterAll(async () => {
  await stage.stop();
  rmSync(folder, { recursive: true, force: true });
});

function crc(bytes: Buffer): number {
  let it = 0xffffffff;
  for (const byte of bytes) {
    it ^= byte;
    for (let bit = 0; bit < 8; bit += 1) it = it & 1 ? (it >>> 1) ^ 0xedb88320 : it >>> 1;
  }
  return (it ^ 0xffffffff) >>> 0;
}

/** A zip of these files, as any program would write it. */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const raw = Buffer.from(text);
    const packed = deflateRawSync(raw);
    const title = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x5cb1, 8);
    common.writeUInt32LE(crc(raw), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(raw.length, 18);
    common.writeUInt16LE(title.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    parts.push(Buffer.from("PK\x03\x04"), common, title, packed);
    list.push(Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), common, place, title);
    at += 30 + title.length + packed.length;
  }
  const listed = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** Ids of this run, so that the story can be played twice on one server. */
const run = Date.now().toString(36);
const ACCOUNTS = `Customer No,Firm,Branch,Kunde seit,Plan
${run}-1,Ashwood ${run},Clinic,31.01.2025,pro
${run}-2,Birchfield ${run},Dental,17.02.2025,basic
`;
const TICKETS = `ticket_id,account_id,created,closed,priority
${run}-T1,${run}-1,2026-03-01T09:00:00Z,2026-03-02T09:00:00Z,high
${run}-T2,${run}-9,2026-03-01T09:00:00Z,,low
`;

async function choose(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

describe("bringing data in without a terminal", () => {
  it("takes a zip, lets the map be corrected, tries, imports, and mends what was rejected", async () => {
    const packed = join(folder, `company-${run}.zip`);
    writeFileSync(packed, zip({ "tickets.csv": TICKETS, "accounts.csv": ACCOUNTS }));
    const { page, context, problems } = await stage.open("/data?tab=imports");
    await page.getByLabel("Files", { exact: true }).setInputFiles(packed);
    const files = page.getByRole("table", { name: "Files of the upload" });
    await files.getByText("accounts.csv", { exact: true }).waitFor();
    await files.getByText("tickets.csv", { exact: true }).waitFor();
    await files.getByRole("link", { name: /accounts\.csv/ }).click();
    await page.getByRole("region", { name: "How accounts.csv is read" }).waitFor();
    // The pattern of the days was found, the name of a column was not known: it is said what it is.
    expect(await page.getByRole("combobox", { name: "Format of started_on" }).inputValue()).toBe("%d.%m.%Y");
    await page.getByText("Accounts need name").waitFor();
    await choose(page, "What Firm becomes", "Name (needed)");
    await page.getByText("Kept", { exact: true }).waitFor();
    await page.getByRole("region", { name: "First rows" }).getByText(`Ashwood ${run}`).nth(1).waitFor();
    expect(await breaches(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    // A constant for every row.
    await page.getByRole("tab", { name: "Constants and formulas" }).click();
    await choose(page, "Give another field", "Owner");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel("Value of owner").fill("ann@example.com");
    await page.getByText("Kept", { exact: true }).waitFor();
    await page.getByRole("region", { name: "First rows" }).getByText("ann@example.com").first().waitFor();
    // The help desk is kept on the day, so what its file tells was known then.
    await files.getByRole("link", { name: /tickets\.csv/ }).click();
    await page.getByRole("region", { name: "How tickets.csv is read" }).waitFor();
    await choose(page, "What they tell was known", "on its own dates");
    await page.getByText("Kept", { exact: true }).waitFor();
    expect(await breaches(page)).toEqual([]);
    await files.getByRole("link", { name: /accounts\.csv/ }).click();
    await page.getByRole("region", { name: "How accounts.csv is read" }).waitFor();
    // Tried first: nothing is stored.
    await page.getByRole("button", { name: "Try without storing" }).click();
    await page.getByText("Nothing was stored.", { exact: false }).waitFor();
    // Away and back: everything is as it was left.
    const address = page.url();
    await page.getByRole("link", { name: "Overview", exact: true }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.goto(address);
    await page.getByText("Nothing was stored.", { exact: false }).waitFor();
    await page.getByRole("tab", { name: "Constants and formulas" }).click();
    expect(await page.getByLabel("Value of owner").inputValue()).toBe("ann@example.com");
    await page.getByRole("button", { name: "Import 2 files" }).click();
    const result = page.getByRole("region", { name: "Result of the import" });
    await result.getByText("Done.", { exact: false }).waitFor();
    const counts = (await result.locator("dl dd").allTextContents()).slice(0, 5);
    expect(counts).toEqual(["4", "3", "0", "1", "0"]);
    // The reject is mended where it stands and taken in.
    await result.getByRole("link", { name: "Mend the rejects and replay them" }).click();
    await page.getByRole("button", { name: "Mend tickets.csv 3" }).click();
    await page.getByLabel("account_id", { exact: true }).fill(`${run}-2`);
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep and take in" }).click();
    await page.getByText("Nothing is rejected").waitFor();
    type Timeline = { items: { name: string; occurred_at: string; received_at: string }[] };
    const answer = await ask<Timeline>(page, `/accounts/${run}-2/timeline?kind=support`);
    expect(answer.items.map((e) => [e.name, e.received_at === e.occurred_at])).toEqual([["ticket_opened", true]]);
    const account = await ask<{ attributes: Record<string, unknown> }>(page, `/accounts/${run}-1`);
    expect(account.attributes.industry).toBe("Clinic");
    expect(problems).toEqual([]);
    await context.close();
  });

  it("remembers a map for the next file with the same header", async () => {
    const next = join(folder, "customers.csv");
    writeFileSync(next, ACCOUNTS.replaceAll(`${run}-`, `${run}-n`));
    const { page, context, problems } = await stage.open("/data?tab=imports");
    await page.getByLabel("Files", { exact: true }).setInputFiles(next);
    await page.getByText("mapped as the last file with this header").waitFor();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Discard this upload" }).click();
    await page.getByText("Drop files here").waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("goes on while its page is left, is seen in a second window, and is mended where it stands", async () => {
    const name = `visits-${run}.csv`;
    const rows = 120_000;
    const wrong = [20_000, 119_990];
    const at = (row: number) => new Date(Date.UTC(2025, 9, 1) + row * 60_000).toISOString();
    const lines = Array.from(
      { length: rows },
      (_, i) => `${run}-${i},${run}-visitor,visited,${wrong.includes(i) ? "31.13.2025" : at(i)},${"a note ".repeat(8)}`,
    );
    writeFileSync(join(folder, name), `message_id,account_id,name,occurred_at,note\n${lines.join("\n")}\n`);
    const { page, context, problems } = await stage.open("/data?tab=imports");
    const goTo = async (keys: string, heading: string) => {
      for (const key of keys) await page.keyboard.press(key);
      await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    };
    // The second piece of the file waits on the way, so that the page can be left in between.
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    await page.route(/\/content\?offset=[1-9]/, async (route) => {
      await held;
      await route.continue();
    });
    await page.getByLabel("Files", { exact: true }).setInputFiles(join(folder, name));
    const upload = page.getByRole("progressbar", { name: /^Upload, [1-9]\d\s?%$/ });
    await upload.waitFor();
    await goTo("go", "Overview");
    await goTo("gd", "Data");
    await page.getByRole("tab", { name: "Imports" }).click();
    await upload.waitFor();
    expect(await breaches(page)).toEqual([]);
    // Another window sees how much of it came.
    const other = await stage.open("/data?tab=imports");
    await other.page.getByRole("table", { name: "Uploads" }).getByRole("link", { name }).click();
    await other.page.getByText(/^4(\.\d)? MB of .* came/).waitFor();
    await goTo("go", "Overview");
    go();
    await page.getByRole("status").getByText(`${name} came in: Data, Imports.`).waitFor();
    expect(new URL(page.url()).pathname).toBe("/");

    // Begun in the other window, left there, and found in this one.
    await other.page.getByRole("button", { name: "Import the file" }).click();
    const progress = other.page.getByText(/You may leave this page/);
    await progress.waitFor();
    await goTo("gd", "Data");
    await page.getByRole("tab", { name: "Imports" }).click();
    const imports = page.getByRole("table", { name: "Imports", exact: true });
    const state = imports.getByRole("row").filter({ hasText: name });
    await state
      .getByText(/done in|Stop/)
      .first()
      .waitFor();
    await other.page.getByRole("link", { name: "Overview", exact: true }).click();
    await other.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await imports.getByRole("link", { name, exact: true }).click();
    for (const window of [page, other.page]) {
      if (window === other.page) {
        await window.goBack();
        expect(await progress.or(window.getByText("Done.", { exact: false })).count()).toBeGreaterThan(0);
      }
      const result = window.getByRole("region", { name: "Result of the import" });
      await result.getByText("Done.", { exact: false }).waitFor();
      const counts = (await result.locator("dl dd").allTextContents()).slice(0, 5);
      expect(counts).toEqual(["120,000", "119,998", "0", "2", "0"]);
    }
    type Imports = { items: { path: string; state: string }[] };
    const { items } = await ask<Imports>(page, "/imports?limit=200");
    expect(items.filter((i) => i.path === name).map((i) => i.state)).toEqual(["done"]);
    await other.context.close();

    await page.getByRole("link", { name: "Mend the rejects and replay them" }).click();
    await page.getByText("2 rejected").waitFor();
    for (const [i, row] of wrong.entries()) {
      await page.getByRole("button", { name: `Mend ${name} ${row + 2}` }).click();
      await page.getByLabel("occurred_at", { exact: true }).fill(at(row));
      await page.getByRole("button", { name: "Keep and take in" }).click();
      await page.getByText(i === 0 ? "1 rejected" : "Nothing is rejected").waitFor();
      if (i > 0) continue;
      // Taking in again what nobody mended changes nothing.
      await page.getByRole("button", { name: "Replay this import" }).click();
      await page.getByText("0 taken in, 1 still rejected.").waitFor();
    }
    const sql = `SELECT count(*) AS n FROM events WHERE account_id = '${run}-visitor' AND name = 'visited'`;
    const counted = await send<{ rows: number[][] }>(page, "/sql", { query: sql });
    expect(counted.rows).toEqual([[rows]]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("says why a file cannot be used", async () => {
    const book = join(folder, "book.xlsx");
    writeFileSync(book, zip({ "[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>" }));
    const { page, context } = await stage.open("/data?tab=imports");
    await page.getByLabel("Files", { exact: true }).setInputFiles(book);
    await page.getByText(/Excel workbook/).waitFor();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Discard this upload" }).click();
    await page.getByText("Drop files here").waitFor();
    await context.close();
  });
});

describe("what came in", () => {
  it("is seen as it arrives, by name, and by what each name carries", async () => {
    const { page, context, problems } = await stage.open("/data?tab=events");
    const names = page.getByRole("table", { name: "Names of events" });
    const first = names.getByRole("link").first();
    const name = (await first.textContent()) ?? "";
    const live = page.getByRole("list", { name: "Events, the newest first" });
    await live.getByRole("listitem").first().waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused").waitFor();
    await first.click();
    await page.getByRole("heading", { name: `Properties of ${name}` }).waitFor();
    await page.getByText(`events: [${name}]`).waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });

  it("is complete or not, field by field, down to the accounts that lack one", async () => {
    const { page, context, problems } = await stage.open("/data?tab=completeness");
    const table = page.getByRole("table", { name: "Fields of accounts" });
    await table.waitFor();
    const answer = await ask<{ account_fields: { field: string; filled: number; total: number }[] }>(
      page,
      "/completeness",
    );
    const lacking = answer.account_fields.find((f) => f.filled < f.total);
    if (!lacking) throw new Error("The data lacks nothing.");
    const missing = lacking.total - lacking.filled;
    await table.getByRole("link", { name: `${missing} lack ${lacking.field}`, exact: true }).click();
    const who = page.getByRole("table", { name: "Who lacks it" });
    await who.waitFor();
    expect(await who.locator("tbody tr").count()).toBe(Math.min(50, missing));
    expect(problems).toEqual([]);
    await context.close();
  });

  it("is expected from each source as its past or a person says", async () => {
    const { page, context, problems } = await stage.open("/data?tab=sources");
    await page.getByRole("button", { name: "Change what is expected of import" }).click();
    await page.getByRole("radio", { name: "after a time that I set" }).check();
    await page.getByLabel("Silent for").fill("2160");
    expect(await breaches(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await page
      .getByText(/^within /)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Change what is expected of import" }).click();
    await page.getByRole("radio", { name: "never" }).check();
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await page.getByText("muted").waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });
});
