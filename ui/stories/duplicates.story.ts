import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { ask, base, breaches, overflow, Stage } from "./browser";

const stage = new Stage();
beforeAll(() => stage.start());
afterAll(() => stage.stop());

type Pair = { one: { id: string }; other: { id: string } };

/** Tells the server of two accounts that are one customer, as a source would. */
async function twins(page: Page, name: string): Promise<[string, string]> {
  const { csrf } = await ask<{ csrf: string }>(page, "/session");
  const made = await page.request.post(`${base}/api/v1/keys`, {
    headers: { "x-csrf-token": csrf, origin: base },
    data: { name: `twins ${name}`, scope: "ingest" },
  });
  const { secret } = (await made.json()) as { secret: string };
  const id = name.toLowerCase().replaceAll(" ", "-");
  const group = (groupId: string, traits: object) => ({ type: "group", userId: `ann@${id}.org`, groupId, traits });
  const sent = await page.request.post(`${base}/v1/batch`, {
    headers: { authorization: `Basic ${Buffer.from(`${secret}:`).toString("base64")}` },
    data: {
      batch: [
        group(`${id}-a`, { name: `${name}, Inc.`, website: `https://www.${id}.org`, employees: 40 }),
        group(`${id}-b`, { name: name.toUpperCase(), website: `${id}.org`, employees: 44 }),
      ],
    },
  });
  expect(sent.status()).toBe(200);
  await expect
    .poll(
      async () =>
        (await ask<{ items: Pair[] }>(page, "/duplicates?limit=200")).items.some((p) => p.one.id === `${id}-a`),
      { timeout: 45_000, interval: 1_000 },
    )
    .toBe(true);
  return [`${id}-a`, `${id}-b`];
}

describe("duplicates", () => {
  it("are merged side by side, shown as one, and parted by an undo", async () => {
    const { page, context, problems } = await stage.open("/data?tab=duplicates");
    const [a, b] = await twins(page, "Harbour Lights");
    await page.reload();
    const pair = page.getByRole("region", { name: /Harbour Lights, Inc\. and HARBOUR LIGHTS/ });
    await pair.getByText("Same website").waitFor();
    await pair.getByRole("button", { name: "Compare and merge" }).click();
    const dialog = page.getByRole("dialog", { name: "Merge two accounts" });
    await dialog.getByRole("radio", { name: /Employees: 44/ }).check();
    expect(new URL(page.url()).searchParams.get("one")).toBe(a);
    expect(await breaches(page)).toEqual([]);
    await dialog.getByRole("button", { name: /Merge into Harbour Lights, Inc\./ }).click();
    await page.getByText("HARBOUR LIGHTS is one with Harbour Lights, Inc. now.").waitFor();
    await pair.waitFor({ state: "detached" });
    const one = await ask<{ account_id: string; attributes: Record<string, unknown> }>(page, `/accounts/${b}`);
    expect([one.account_id, one.attributes.employees]).toEqual([a, 44]);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Taken back.").waitFor();
    const two = await ask<{ account_id: string; attributes: Record<string, unknown> }>(page, `/accounts/${b}`);
    expect([two.account_id, two.attributes.employees]).toEqual([b, 44]);
    expect((await ask<{ attributes: Record<string, unknown> }>(page, `/accounts/${a}`)).attributes.employees).toBe(40);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("stay merged over a reload, and are parted from the list of merges", async () => {
    const { page, context, problems } = await stage.open("/data?tab=duplicates");
    const [a, b] = await twins(page, "Old Mill");
    await page.goto(`/data?tab=duplicates&one=${a}&other=${b}`);
    await page.getByRole("button", { name: "The other way round" }).click();
    await page.getByRole("button", { name: "Merge into OLD MILL" }).click();
    await page.getByText("Old Mill, Inc. is one with OLD MILL now.").waitFor();
    // The old address leads to the one that stayed.
    await page.goto(`/accounts/${a}`);
    await page.getByRole("heading", { level: 1, name: "OLD MILL" }).waitFor();
    await page.goto("/data?tab=duplicates&show=merges");
    const merges = page.getByRole("table", { name: "Merged accounts" });
    await merges.getByText("Employees 40").waitFor();
    expect(await breaches(page)).toEqual([]);
    await merges.getByRole("button", { name: "Part OLD MILL and Old Mill, Inc." }).click();
    await page.getByText("OLD MILL and Old Mill, Inc. are two again.").waitFor();
    await merges
      .getByText(/^parted/)
      .first()
      .waitFor();
    expect((await ask<{ account_id: string }>(page, `/accounts/${a}`)).account_id).toBe(a);
    expect(problems).toEqual([]);
    await context.close();
  });

  it("are said to be two, which is remembered and can be taken back", async () => {
    const { page, context, problems } = await stage.open("/data?tab=duplicates");
    await twins(page, "Quiet Harbor");
    await page.reload();
    const pair = page.getByRole("region", { name: /Quiet Harbor, Inc\./ });
    await pair.getByRole("button", { name: "Not the same" }).click();
    await pair.waitFor({ state: "detached" });
    await page.reload();
    await page.locator("label", { hasText: "Not the same" }).click();
    await pair.getByRole("button", { name: "Ask again" }).click();
    await pair.waitFor({ state: "detached" });
    await page.locator("label", { hasText: "To decide" }).click();
    await pair.waitFor();
    expect(problems).toEqual([]);
    await context.close();
  });
});

const LOOKS = [
  ["dark", { dark: true }],
  ["on a phone", { width: 390, height: 844 }],
] as const;
it.each(LOOKS)("duplicates can be read by everybody, %s", async (name, look) => {
  const { page, context, problems } = await stage.open("/data?tab=duplicates", look);
  await twins(page, `Look ${name}`);
  await page.reload();
  await page.getByRole("button", { name: "Compare and merge" }).first().waitFor();
  expect(await breaches(page)).toEqual([]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(problems).toEqual([]);
  await context.close();
});
