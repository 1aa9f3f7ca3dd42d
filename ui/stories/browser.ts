import AxeBuilder from "@axe-core/playwright";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";

export type Place = { address: string; email: string; password: string };

/** The servers under test: each file of stories has one to itself while it runs, by the number of the process that runs it. */
function place(): Place {
  const { TENURE_SERVERS: several, TENURE_URL, TENURE_EMAIL, TENURE_PASSWORD } = process.env;
  if (several) {
    const all = JSON.parse(several) as Place[];
    const mine = all[(Number(process.env.VITEST_POOL_ID ?? 1) - 1) % all.length];
    if (mine) return mine;
  }
  if (!TENURE_URL || !TENURE_EMAIL || !TENURE_PASSWORD)
    throw new Error(
      "Set TENURE_URL, TENURE_EMAIL and TENURE_PASSWORD: the stories drive a running server as a person of it.",
    );
  return { address: TENURE_URL, email: TENURE_EMAIL, password: TENURE_PASSWORD };
}

const here = place();
/** Where the server under test is. */
export const base = here.address.replace(/\/$/, "");
/** Who is signed in. */
export const me = here.email;

/** A page of its own; `context` closes it and cuts its line. */
export type Open = { page: Page; context: Pick<BrowserContext, "close" | "setOffline">; problems: string[] };
export type Look = { width?: number; height?: number; dark?: boolean };

export class Stage {
  private browser: Browser | null = null;
  private home: BrowserContext | null = null;

  /** The server of all stories, unless a story has one of its own; `now` stops the browser's clock there. */
  constructor(
    private readonly place: Place = here,
    private readonly now?: Date,
  ) {}

  private context(): Promise<BrowserContext> {
    if (!this.browser) throw new Error("The stage has not been started.");
    return this.browser.newContext({
      baseURL: this.place.address,
      reducedMotion: "reduce",
      locale: "en-US",
    });
  }

  /** Starts the browser and signs in once, by the form; every page opened later is signed in. */
  async start(): Promise<void> {
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    this.home = await this.context();
    const page = await this.home.newPage();
    await page.goto("/");
    await page.getByLabel("E-mail").fill(this.place.email);
    await page.locator("input[name=password]").fill(this.place.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await forget(page);
  }

  async stop(): Promise<void> {
    await this.browser?.close();
  }

  /**
   * Opens a page and collects everything that the browser complains about. Pages that are signed in share the browser's memory of files that
   * never change; what a page wrote into the browser's storage is gone once it is closed.
   */
  async open(path: string, look: Look = {}, signedIn = true): Promise<Open> {
    const context = signedIn && this.home ? this.home : await this.context();
    const page = await context.newPage();
    await page.setViewportSize({ width: look.width ?? 1440, height: look.height ?? 900 });
    await page.emulateMedia({ colorScheme: look.dark ? "dark" : "light" });
    if (this.now) await page.clock.setFixedTime(this.now);
    const problems: string[] = [];
    page.on("console", (m) => {
      if (m.type() === "error" || m.type() === "warning") problems.push(m.text());
    });
    page.on("pageerror", (e) => problems.push(e.message));
    await page.goto(path);
    if (signedIn) await page.locator("main h1").first().waitFor();
    const close = () => (context === this.home ? forget(page) : context.close());
    return { page, context: { close, setOffline: (off) => context.setOffline(off) }, problems };
  }
}

/** Closes a page as if it had never been open. */
async function forget(page: Page): Promise<void> {
  await page.evaluate("localStorage.clear(); sessionStorage.clear()").catch(() => undefined);
  await page.close();
}

/** The rules that look at colours: all that another scheme of the same page can breach anew. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/**
 * The breaches of WCAG 2.2 AA that a machine can find, one line each. `colours` looks at colours only, for a page that was looked at whole
 * and has changed its scheme since.
 */
export async function breaches(page: Page, rules: "all" | "colours" = "all"): Promise<string[]> {
  // Where the page stands by chance, its bar at the top may lie over half of a control, which scrolling frees.
  await page.evaluate("window.scrollTo(0, 0)");
  // What passes is not written out, and no page is opened beside this one, as frames of other origins would ask for.
  const axe = new AxeBuilder({ page }).options({ resultTypes: ["violations"] }).setLegacyMode(true);
  const found = await (
    rules === "all" ? axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]) : axe.withRules(COLOURS)
  ).analyze();
  return found.violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .slice(0, 3)
        .map((n) => `${n.target.join(" ")} (${n.failureSummary?.split("\n").at(1)?.trim() ?? ""})`)
        .join("; ")}`,
  );
}

/** What the API answers to the signed-in person. */
export async function ask<T>(page: Page, path: string): Promise<T> {
  const answer = await page.request.get(`${base}/api/v1${path}`);
  if (!answer.ok()) throw new Error(`${path} answered ${answer.status()}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Sends what another window would send, as the signed-in person. */
export async function send<T = unknown>(page: Page, path: string, data: unknown): Promise<T> {
  const { csrf } = await ask<{ csrf: string }>(page, "/session");
  const answer = await page.request.post(`${base}/api/v1${path}`, {
    data,
    headers: { "x-csrf-token": csrf, origin: base },
  });
  if (!answer.ok()) throw new Error(`${path} answered ${answer.status()}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** How far the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - window.innerWidth") as Promise<number>;

/** How a page is looked at: the name of the look, and what is done to get there from the one before. */
const LOOKS: [string, Look, "again" | "as it stands"][] = [
  ["desk", { width: 1440 }, "as it stands"],
  ["desk-dark", { width: 1440, dark: true }, "as it stands"],
  ["laptop", { width: 1024, height: 768 }, "as it stands"],
  ["tablet", { width: 820, height: 1180 }, "as it stands"],
  ["phone", { width: 390, height: 844 }, "again"],
  ["phone-dark", { width: 390, height: 844, dark: true }, "as it stands"],
];

/**
 * A page can be read by everybody: on a desk, a laptop, a tablet and a phone, in both schemes, nothing breaks a rule of accessibility, nothing is wider
 * than the screen, and the browser does not complain. It is fetched for the desk and for the phone; schemes change while it stands.
 */
export async function readable(
  stage: Stage,
  path: string,
  each: (page: Page, name: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { page, context, problems } = await stage.open(path);
  await page.waitForLoadState("networkidle");
  for (const [name, look, how] of LOOKS) {
    await page.setViewportSize({ width: look.width ?? 1440, height: look.height ?? 900 });
    await page.emulateMedia({ colorScheme: look.dark ? "dark" : "light" });
    if (how === "again") {
      await page.reload();
      await page.locator("main h1").first().waitFor();
      await page.waitForLoadState("networkidle");
    }
    // Two frames: one in which the page hears of it, one in which it is drawn.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    // The laptop differs from the desk in its width alone, the dark in colours.
    if (name !== "laptop") expect(await breaches(page, look.dark ? "colours" : "all"), `${path}, ${name}`).toEqual([]);
    expect(await overflow(page), `${path}, ${name}`).toBeLessThanOrEqual(0);
    await each(page, name);
  }
  expect(problems, path).toEqual([]);
  await context.close();
}
