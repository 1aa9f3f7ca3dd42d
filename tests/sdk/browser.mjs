// The browser SDKs of Segment and RudderStack in headless Chromium, on a page of another origin: only the host is changed.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const tenure = process.env.TENURE_URL;
const writeKey = process.env.WRITE_KEY;
if (!tenure || !writeKey || !process.env.RUN_ID) throw new Error("TENURE_URL, WRITE_KEY and RUN_ID are not set: start this with run.sh");
const file = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));
const scripts = {
  "/segment.js": file("@segment/analytics-next/dist/umd/index.js"),
  "/rudder.js": file("@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"),
};

// Serves the SDKs as files and an empty page; its port makes it another origin than Tenure's.
const site = createServer(async (request, response) => {
  const path = new URL(request.url, "http://site").pathname;
  const script = scripts[path] ?? (/^\/[\w.-]+\.bundle\.\w+\.js$/.test(path) ? file(`@segment/analytics-next/dist/umd${path}`) : null);
  if (script) {
    response.setHeader("content-type", "text/javascript");
    return response.end(await readFile(script));
  }
  response.setHeader("content-type", "text/html");
  response.end(`<!doctype html><title>Customer</title><script src="/${path.includes("rudder") ? "rudder" : "segment"}.js"></script>`);
});
await new Promise((ready) => site.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${site.address().port}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const failures = [];

/** Opens the page, runs `send` in it and waits until Tenure has answered `wanted` messages with 200. */
async function visit(sdk, path, send, wanted, arg) {
  const page = await browser.newPage();
  let answered = 0;
  page.on("response", (response) => {
    if (!response.url().startsWith(tenure) || response.request().method() !== "POST") return;
    if (response.status() !== 200) return failures.push(`${sdk}: ${response.status()} ${response.url()}`);
    // Counted by what was sent: the SDKs do not read the answer, and what nobody reads cannot be read here.
    const sent = JSON.parse(response.request().postData() ?? "{}");
    answered += sent.batch?.length ?? 1;
  });
  page.on("requestfailed", (request) => {
    if (request.url().startsWith(tenure)) failures.push(`${sdk}: ${request.failure()?.errorText} ${request.url()}`);
  });
  page.on("console", (message) => message.type() === "error" && console.error(`${sdk}: ${message.text()}`));
  await page.goto(`${origin}${path}`);
  await page.evaluate(send, arg);
  const until = Date.now() + 20_000;
  while (answered < wanted && Date.now() < until) await new Promise((next) => setTimeout(next, 50));
  if (answered < wanted) failures.push(`${sdk}: ${answered} of ${wanted} messages were taken in`);
  await page.close();
}

function about(sdk) {
  const run = `${process.env.RUN_ID}/${sdk}`;
  return { run, user: `${run}/user`, account: `${run}/account`, before: `${run}/before`, tenure, writeKey };
}

async function segment({ run, user, account, before, tenure, writeKey, batching }) {
  const { AnalyticsBrowser } = window.AnalyticsNext;
  const analytics = AnalyticsBrowser.load(
    { writeKey, cdnURL: tenure },
    batching ? { integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching", config: { size: 100, timeout: 200 } } } } } : {},
  );
  await analytics.page("Docs", "Pricing", { run });
  await analytics.identify(user, { email: "browser@customer.example", name: "Browser" });
  await analytics.group(account, { name: "Browser Ltd", employees: 12 });
  await analytics.track("login", { run });
  await analytics.track("feature_used", { run, feature: "reports" }, { context: { groupId: account } });
  await analytics.screen("App", "Home", { run });
  await analytics.alias(user, before);
}

async function rudder({ run, user, account, before, tenure, writeKey, beacon }) {
  const rudder = new window.rudderanalytics.RudderAnalytics();
  await new Promise((ready) => {
    rudder.load(writeKey, tenure, { configUrl: tenure, useBeacon: beacon, beaconQueueOptions: { flushQueueInterval: 200 }, sessions: { autoTrack: false } });
    rudder.ready(ready);
  });
  rudder.page("Docs", "Pricing", { run });
  rudder.identify(user, { email: "browser@customer.example", name: "Browser" });
  rudder.group(account, { name: "Browser Ltd", employees: 12 });
  rudder.track("login", { run });
  rudder.track("feature_used", { run, feature: "reports" });
  rudder.alias(user, before);
}

for (const [sdk, path, send, wanted, extra] of [
  ["segment-browser", "/segment", segment, 7, { batching: false }],
  ["segment-browser-batching", "/segment", segment, 7, { batching: true }],
  ["rudder-browser", "/rudder", rudder, 6, { beacon: false }],
  // One beacon carries all; its body cannot be seen from here.
  ["rudder-browser-beacon", "/rudder", rudder, 1, { beacon: true }],
]) {
  const arg = { ...about(sdk), ...extra };
  await visit(sdk, path, send, wanted, arg);
  const events = sdk.startsWith("segment") ? 4 : 3;
  if (failures.length === 0) console.log(JSON.stringify({ sdk, run: arg.run, events, account: arg.account, contact: arg.user }));
}
await browser.close();
site.close();
if (failures.length > 0) {
  console.error(failures.join("\n"));
  process.exit(1);
}
