import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DashboardsAnswer } from "../src/api/types";
import { Stage, type Look } from "./browser";
import { Still } from "./company";

// Pictures of a company that stands still: the guides show them, and a page that came to look otherwise is found by them.
// TENURE_PICTURES=write draws them anew; look at each before it is committed.
const DAY = "2026-06-30";
const WRITE = process.env.TENURE_PICTURES === "write";
/** Pictures are compared as greys of this width: type is rendered a little otherwise on each machine, layout and charts are not. */
const WIDTH = 240;
/** The mean difference of greys, of 255, up to which two pictures are the same; a chart that is missing differs by 4 and more. */
const SAME = 2.5;

let still: Still | undefined;
let stage: Stage;
let compare: Page;
beforeAll(async () => {
  still = await Still.start(DAY);
  stage = new Stage(still, new Date(`${DAY}T12:00:00Z`));
  await stage.start();
  compare = (await stage.open("/")).page;
  // The product's own pages let nothing be fetched but from their server.
  await compare.goto("about:blank");
}, 240_000);
afterAll(async () => {
  await stage.stop();
  await still?.stop();
});

/** The mean difference of two pictures as small greys; 255 where one is half as tall again as the other. */
const difference = (a: Buffer, b: Buffer): Promise<number> =>
  compare.evaluate(
    async ([left, right, width]) => {
      const grey = async (png: string, height?: number) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
        const tall = height ?? Math.round((bitmap.height * width) / bitmap.width);
        const canvas = new OffscreenCanvas(width, tall);
        const draw = canvas.getContext("2d");
        if (!draw) throw new Error("This browser has no canvas.");
        draw.imageSmoothingQuality = "high";
        draw.drawImage(bitmap, 0, 0, width, tall);
        const { data } = draw.getImageData(0, 0, width, tall);
        const greys = Array.from(
          { length: data.length / 4 },
          (_, i) => ((data[4 * i] ?? 0) + (data[4 * i + 1] ?? 0) + (data[4 * i + 2] ?? 0)) / 3,
        );
        return { greys, tall, ratio: bitmap.height / bitmap.width };
      };
      const one = await grey(left);
      const two = await grey(right, one.tall);
      if (Math.abs(one.ratio / two.ratio - 1) > 0.5) return 255;
      return one.greys.reduce((sum, g, i) => sum + Math.abs(g - (two.greys[i] ?? 0)), 0) / one.greys.length;
    },
    [a.toString("base64"), b.toString("base64"), WIDTH] as const,
  );

/** A small grey version, to be kept where the picture itself is not shown to anybody. */
const reduced = async (png: Buffer): Promise<Buffer> => {
  const url = await compare.evaluate(
    async ([data, width]) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = Math.round((bitmap.height * width) / bitmap.width);
      const draw = canvas.getContext("2d");
      if (!draw) throw new Error("This browser has no canvas.");
      draw.filter = "grayscale(1)";
      draw.imageSmoothingQuality = "high";
      draw.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/png");
    },
    [png.toString("base64"), WIDTH] as const,
  );
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
};

type Shown = { path: string; look: Look; whole: boolean };

/** What is to be seen at `path`, held against the picture in `file`, which is made of a screenshot by `kept`. */
async function check(file: string, { path, look, whole }: Shown, kept = (png: Buffer) => Promise.resolve(png)) {
  if (!WRITE && !existsSync(file))
    throw new Error(`${file} is not drawn yet: run the stories with TENURE_PICTURES=write.`);
  const { page, context } = await stage.open(path, look);
  const shoot = async () => {
    await page.waitForLoadState("networkidle");
    await page.getByText("being brought up to date").first().waitFor({ state: "detached" });
    await page.evaluate("document.fonts.ready");
    return page.screenshot({ fullPage: whole, animations: "disabled" });
  };
  if (WRITE) {
    mkdirSync(dirname(file), { recursive: true });
    let png = await shoot();
    for (let next = await shoot(); !next.equals(png); next = await shoot()) png = next;
    writeFileSync(file, await kept(png));
  } else {
    const before = readFileSync(file);
    // On a busy machine a page may be quiet for a while with a chart still to be drawn: it is looked at until it is the same.
    await expect
      .poll(async () => difference(before, await kept(await shoot())), {
        message: `${file} looks otherwise; if it should, draw it anew with TENURE_PICTURES=write`,
        timeout: 20_000,
        interval: 500,
      })
      .toBeLessThan(SAME);
  }
  await context.close();
}

describe("dashboards", () => {
  it("look as they did", async () => {
    const { page, context } = await stage.open("/dashboards");
    const answer = await page.request.get("/api/v1/dashboards");
    const { dashboards } = (await answer.json()) as DashboardsAnswer;
    await context.close();
    expect(dashboards.length).toBeGreaterThanOrEqual(15);
    for (const { id } of dashboards) {
      const shown = { path: `/dashboards/${id}`, look: { width: 1440, height: 900 }, whole: true };
      await check(join("stories", "pictures", `${id}.png`), shown, reduced);
    }
  }, 240_000);
});

const GUIDE: [string, string][] = [
  ["overview", "/"],
  ["accounts", "/accounts"],
  ["account", "/accounts/A-00008"],
  ["attention", "/owners?tab=attention"],
  ["owners", "/owners"],
  ["segments", "/segments"],
  ["targets", "/targets"],
  ["dashboard", "/dashboards/churn_rate"],
  ["revenue", "/revenue"],
  ["churn", "/revenue?tab=churn"],
  ["sources", "/data"],
  ["imports", "/data?tab=imports"],
  ["completeness", "/data?tab=completeness"],
  ["definitions", "/definitions?file=kpis.yaml&entry=engagement_rate"],
];
describe("the guides", () => {
  it.each(GUIDE)("show %s as it is", async (name, path) => {
    await check(join("..", "docs", "images", `${name}.png`), {
      path,
      look: { width: 1280, height: 800 },
      whole: false,
    });
  });
});
