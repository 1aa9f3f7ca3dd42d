import { gzipSync } from "node:zlib";
import type { Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccountsPage } from "../src/api/types";
import { ask, Stage } from "./browser";

// What a page may ask of the network. How long it takes is measured by bench/web.mjs, on the optimised build.
const CALLS = 6;
const FIRST_LOAD_BYTES = 250 * 1024;

const stage = new Stage();
let account = "";
let page: Page;
beforeAll(async () => {
  await stage.start();
  ({ page } = await stage.open("/"));
  const { items } = await ask<AccountsPage>(page, "/accounts?limit=1");
  account = `/accounts/${encodeURIComponent(items[0]?.account_id ?? "")}`;
  await page.waitForLoadState("networkidle");
});
afterAll(() => stage.stop());

const PAGES = [
  "/",
  "/accounts",
  "ACCOUNT",
  "/contacts",
  "/owners",
  "/owners?tab=attention",
  "/segments",
  "/dashboards",
  "/dashboards/customer_engagement",
  "/dashboards/churn_rate",
  "/targets",
  "/definitions",
  "/definitions?file=kpis.yaml&entry=engagement_rate",
  "/revenue",
  "/revenue?tab=churn",
  "/data",
  "/data?tab=imports",
  "/data?tab=completeness",
  "/data?tab=events",
  "/settings",
];

describe("the network", () => {
  it.each(PAGES)(`%s needs no more than ${CALLS} calls of the API`, async (path) => {
    // Pages are entered from one that rests, so that only what each asks for itself is counted.
    const asked: string[] = [];
    const count = (r: Request) => {
      const at = new URL(r.url()).pathname;
      if (at.startsWith("/api/")) asked.push(`${r.method()} ${at}`);
    };
    page.on("request", count);
    await page.goto(path === "ACCOUNT" ? account : path);
    await page.locator("main h1").first().waitFor();
    await page.waitForLoadState("networkidle");
    page.off("request", count);
    expect(asked.length, asked.join("\n")).toBeGreaterThan(0);
    expect(asked.length, asked.join("\n")).toBeLessThanOrEqual(CALLS);
  });

  it("carries at most 250 KB of gzipped JavaScript before the chunk of a route", async () => {
    const { page, context } = await stage.open("/", {}, false);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    const entry = await page.evaluate(() =>
      [
        ...document.querySelectorAll<HTMLScriptElement>("script[src]"),
        ...document.querySelectorAll<HTMLLinkElement>("link[rel=modulepreload]"),
      ].map((e) => ("src" in e ? e.src : e.href)),
    );
    let bytes = 0;
    for (const url of new Set(entry)) {
      const answer = await page.request.get(url);
      bytes += gzipSync(await answer.body()).length;
    }
    expect(entry.length).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES);
    await context.close();
  });
});
