import AxeBuilder from "@axe-core/playwright";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

/** Where the server under test is, and who signs in there. */
export const base = required("TENURE_URL").replace(/\/$/, "");
export type Place = { address: string; email: string; password: string };

function required(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(
      `Set ${name}: the stories drive a running server (TENURE_URL) as a person (TENURE_EMAIL, TENURE_PASSWORD).`,
    );
  return value;
}

export type Open = { page: Page; context: BrowserContext; problems: string[] };
export type Look = { width?: number; height?: number; dark?: boolean };

export class Stage {
  private browser: Browser | null = null;
  private state: Awaited<ReturnType<BrowserContext["storageState"]>> | null = null;

  /** The server of all stories, unless a story has one of its own; `now` stops the browser's clock there. */
  constructor(
    private readonly place: Place = {
      address: base,
      email: required("TENURE_EMAIL"),
      password: required("TENURE_PASSWORD"),
    },
    private readonly now?: Date,
  ) {}

  /** Starts the browser and signs in once; every page opened later is signed in. */
  async start(): Promise<void> {
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    const context = await this.browser.newContext();
    const page = await context.newPage();
    await page.goto(this.place.address);
    await page.getByLabel("E-mail").fill(this.place.email);
    await page.locator("input[name=password]").fill(this.place.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    this.state = await context.storageState();
    await context.close();
  }

  async stop(): Promise<void> {
    await this.browser?.close();
  }

  /** Opens a page and collects everything that the browser complains about. */
  async open(path: string, look: Look = {}, signedIn = true): Promise<Open> {
    if (!this.browser) throw new Error("The stage has not been started.");
    const context = await this.browser.newContext({
      baseURL: this.place.address,
      viewport: { width: look.width ?? 1440, height: look.height ?? 900 },
      colorScheme: look.dark ? "dark" : "light",
      reducedMotion: "reduce",
      locale: "en-US",
      storageState: signedIn && this.state ? this.state : undefined,
    });
    const page = await context.newPage();
    if (this.now) await page.clock.setFixedTime(this.now);
    const problems: string[] = [];
    page.on("console", (m) => {
      if (m.type() === "error" || m.type() === "warning") problems.push(m.text());
    });
    page.on("pageerror", (e) => problems.push(e.message));
    await page.goto(path);
    if (signedIn) await page.locator("main h1").first().waitFor();
    return { page, context, problems };
  }
}

/** The breaches of WCAG 2.2 AA that a machine can find, one line each. */
export async function breaches(page: Page): Promise<string[]> {
  // Where the page stands by chance, its bar at the top may lie over half of a control, which scrolling frees.
  await page.evaluate("window.scrollTo(0, 0)");
  const found = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
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
