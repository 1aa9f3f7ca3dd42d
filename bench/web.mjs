// How long a person waits in the browser: largest contentful paint (LCP) and the delay from a key or a click to the next paint
// (INP), in Chromium, on the demo. TENURE_BINARY names the program (an optimised build), CHROMIUM the browser.
// Prints one JSON line: for each page the median of five loads, and the worst interaction of each kind.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ui = join(dirname(dirname(fileURLToPath(import.meta.url))), "ui");
const { chromium } = createRequire(join(ui, "package.json"))("playwright-core");
const LOADS = 5;
const GOAL = { lcp_ms: 1500, inp_ms: 200 };
const binary = process.env.TENURE_BINARY ?? fail("set TENURE_BINARY to the program `tenure`");

function fail(text) {
  console.error(`web: ${text}`);
  process.exit(1);
}

const data = mkdtempSync(join(tmpdir(), "tenure-web-"));
const server = spawn(binary, ["demo", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
const said = await new Promise((resolve, reject) => {
  const found = {};
  let text = "";
  server.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
    for (const [, name, value] of text.matchAll(/^(address|e-mail|password):\s+(\S+)\s*$/gm)) found[name] = value;
    if (found.address && found["e-mail"] && found.password) resolve(found);
  });
  server.once("exit", (code) => reject(new Error(`the demo ended with ${code}`)));
});

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const OBSERVE = () => {
  window.__lcp = 0;
  window.__inp = 0;
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) window.__lcp = e.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) if (e.interactionId) window.__inp = Math.max(window.__inp, e.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
};
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

try {
  const first = await browser.newContext();
  const sign = await first.newPage();
  await sign.goto(said.address);
  await sign.getByLabel("E-mail").fill(said["e-mail"]);
  await sign.locator("input[name=password]").fill(said.password);
  await sign.getByRole("button", { name: "Sign in" }).click();
  await sign.getByRole("heading", { name: "Overview" }).waitFor();
  const storageState = await first.storageState();
  const account = (await (await sign.request.get(`${said.address}/api/v1/accounts?limit=1`)).json()).items[0].account_id;

  const open = async (path) => {
    const context = await browser.newContext({ baseURL: said.address, viewport: { width: 1440, height: 900 }, storageState });
    const page = await context.newPage();
    await page.addInitScript(OBSERVE);
    await page.goto(path);
    await page.locator("main h1").first().waitFor();
    await page.waitForLoadState("networkidle");
    return { page, context };
  };

  const lcp = {};
  for (const path of ["/", "/accounts", `/accounts/${account}`, "/dashboards/customer_engagement", "/dashboards/churn_rate", "/revenue", "/segments", "/targets"]) {
    const times = [];
    for (let i = 0; i < LOADS; i++) {
      const { page, context } = await open(path); // A context of its own each time: nothing is cached.
      times.push(await page.evaluate("window.__lcp"));
      await context.close();
    }
    lcp[path.replace(account, ":id")] = Math.round(median(times));
  }

  const inp = {};
  const measure = async (name, path, act) => {
    const { page, context } = await open(path);
    await act(page);
    await page.waitForTimeout(500);
    inp[name] = Math.round(await page.evaluate("window.__inp"));
    await context.close();
  };
  await measure("typing in the palette", "/", async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("pediatrics", { delay: 40 });
  });
  await measure("moving through accounts", "/accounts", async (page) => {
    for (let i = 0; i < 30; i++) await page.keyboard.press("j");
  });
  await measure("typing a filter", "/accounts", async (page) => {
    await page.getByRole("textbox").first().click();
    await page.keyboard.type("mrr > 1000", { delay: 40 });
  });
  await measure("a segment of a dashboard", "/dashboards/customer_engagement", async (page) => {
    await page.locator("main button").first().click();
  });
  await measure("going from page to page", "/", async (page) => {
    for (const name of ["Accounts", "Dashboards", "Revenue", "Segments"])
      await page.getByRole("link", { name, exact: true }).first().click();
  });
  const worst = { lcp_ms: Math.max(...Object.values(lcp)), inp_ms: Math.max(...Object.values(inp)) };
  console.log(JSON.stringify({ bench: "web", lcp_ms: lcp, inp_ms: inp, worst, goal: GOAL, met: worst.lcp_ms <= GOAL.lcp_ms && worst.inp_ms <= GOAL.inp_ms }));
} finally {
  await browser.close();
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await ended;
  rmSync(data, { recursive: true, force: true });
}
