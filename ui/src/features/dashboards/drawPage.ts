/** A page or a tile as a picture (PNG) or on paper (PDF, as vectors with text that can be searched). Loaded when somebody asks for one. */
import type { DashboardPage, Tile } from "@/api/types";
import { day, instant } from "@/shared/days";
import { drawTile } from "./drawTile";
import { filtersInWords } from "./exporting";
import { inLight, layout, PAGE_WIDTH, pages, sheet, words, wrap } from "./paper";

const MARGIN = 28;
const WIDTH = PAGE_WIDTH + 2 * MARGIN;
/** A4 on its side, so wide that two rows of charts stand on a sheet below its head. */
const PAPER = 1310;
const A4 = Math.round(PAPER * (210 / 297));
/** The side of a canvas that every browser has. */
const LARGEST = 12_000;

type Part = { svg: string; height: number; width: number };

/** What stands above the tiles: what this is, of what, and how fresh. */
function head(page: DashboardPage, title: string): { drawn: string; height: number } {
  const lines = [
    ...(page.description ? wrap(page.description, PAGE_WIDTH, 11) : []),
    `${page.program} · ${filtersInWords(page)}`,
    `Figures up to ${day(page.as_of, "long")} · computed ${instant(page.computed_at)}`,
  ];
  const drawn =
    words(MARGIN, MARGIN + 18, title, { size: 20, bold: true, width: PAGE_WIDTH }) +
    lines
      .map((l, i) => words(MARGIN, MARGIN + 38 + i * 15, l, { size: 11, ink: "var(--ink-2)", width: PAGE_WIDTH }))
      .join("");
  return { drawn, height: MARGIN + 38 + lines.length * 15 };
}

const spotsOf = (page: DashboardPage) =>
  layout(page.tiles.map((t) => ({ width: t.width, height: t.state === "ready" || t.width < 12 ? t.height : 1 })));

const group = (y: number, inner: string) => `<g transform="translate(${MARGIN} ${y.toFixed(1)})">${inner}</g>`;

/** The whole page as one drawing. */
function whole(page: DashboardPage): Part {
  const top = head(page, page.title);
  const { spots, height } = spotsOf(page);
  const tiles = page.tiles.map((t, i) => (spots[i] ? drawTile(t, page, spots[i]) : "")).join("");
  const full = top.height + 8 + height + MARGIN;
  return { svg: sheet(WIDTH, full, top.drawn + group(top.height + 8, tiles)), width: WIDTH, height: full };
}

/** The page on sheets of paper; no tile is cut. */
function sheets(page: DashboardPage): Part[] {
  const top = head(page, page.title);
  const { spots } = spotsOf(page);
  const room = A4 - top.height - 8 - MARGIN;
  const parts = pages(spots, room);
  return (parts.length > 0 ? parts : [{ from: 0, to: 0 }]).map((part, at, all) => {
    const tiles = page.tiles
      .map((t, i) => {
        const spot = spots[i];
        return spot && spot.y >= part.from && spot.y < part.to
          ? drawTile(t, page, { ...spot, y: spot.y - part.from })
          : "";
      })
      .join("");
    const height = Math.max(A4, top.height + 8 + (part.to - part.from) + MARGIN);
    const foot = words(WIDTH - MARGIN, height - 10, `${at + 1} of ${all.length}`, {
      size: 9,
      ink: "var(--ink-3)",
      end: true,
    });
    const middle = `<g transform="translate(${(PAPER - WIDTH) / 2} 0)">${top.drawn}${group(top.height + 8, tiles)}${foot}</g>`;
    return { svg: sheet(PAPER, height, middle), width: PAPER, height };
  });
}

function one(page: DashboardPage, tile: Tile): Part {
  const { spots, height } = layout([{ width: Math.max(tile.width, 6), height: Math.max(tile.height, 3) }]);
  const [spot] = spots;
  const width = spot?.width ?? PAGE_WIDTH;
  const lines = wrap(
    `${page.title} · ${page.program} · ${filtersInWords(page)} · figures up to ${day(page.as_of, "long")}`,
    width,
    10,
  );
  const foot = lines
    .map((l, i) => words(MARGIN, MARGIN + height + 18 + i * 13, l, { size: 10, ink: "var(--ink-2)" }))
    .join("");
  const size = { width: width + 2 * MARGIN, height: MARGIN + height + 18 + lines.length * 13 + 10 };
  return {
    svg: sheet(size.width, size.height, (spot ? group(MARGIN, drawTile(tile, page, spot)) : "") + foot),
    ...size,
  };
}

async function picture(part: Part): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([part.svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const scale = Math.min(2, LARGEST / Math.max(part.width, part.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(part.width * scale);
    canvas.height = Math.round(part.height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        (b) => (b ? resolve(b) : reject(new Error("The browser could not make the picture."))),
        "image/png",
      ),
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The page, or one of its tiles, as a PNG. */
export const png = (page: DashboardPage, tile?: Tile): Promise<Blob> =>
  picture(inLight(() => (tile ? one(page, tile) : whole(page))));

/** The page as a PDF: A4 on its side, as many sheets as it takes. */
export async function pdf(page: DashboardPage): Promise<Blob> {
  const [{ jsPDF }, { svg2pdf }, { latin }] = await Promise.all([
    import("jspdf"),
    import("svg2pdf.js"),
    import("./latin"),
  ]);
  const parts = inLight(() => sheets(page));
  const first = parts[0];
  if (!first) throw new Error("There is nothing to put on paper.");
  const size = (p: Part): [number, number] => [p.width, p.height];
  const way = (p: Part) => (p.width >= p.height ? "landscape" : "portrait");
  const paper = new jsPDF({
    unit: "px",
    format: size(first),
    orientation: way(first),
    hotfixes: ["px_scaling"],
    compress: true,
  });
  paper.setProperties({
    title: page.title,
    subject: `${page.program}, figures up to ${page.as_of}`,
    creator: "Tenure",
  });
  for (const [at, part] of parts.entries()) {
    if (at > 0) paper.addPage(size(part), way(part));
    const svg = new DOMParser().parseFromString(part.svg, "image/svg+xml").documentElement;
    // It is measured while it is drawn, so it has to stand in the document for a moment.
    svg.setAttribute("style", "position:fixed;left:-99999px;top:0");
    document.body.append(svg);
    try {
      latin(svg);
      await svg2pdf(svg, paper, { x: 0, y: 0, width: part.width, height: part.height });
    } finally {
      svg.remove();
    }
  }
  return paper.output("blob");
}
