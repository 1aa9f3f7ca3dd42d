/** Marks on paper: the little SVG that a drawn page is made of. Everything is in pixels of a page that is 1120 wide. */
import { color } from "@/shared/ui/Chart";

export const PAGE_WIDTH = 1120;
export const GAP = 12;
export const ROW = 84;
const FONT = "Helvetica, Arial, 'Noto Sans', sans-serif";

export const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/\p{Cc}/gu, " ");

let pen: CanvasRenderingContext2D | null | undefined;

/** How wide a text is. */
export function measure(text: string, size: number, bold = false): number {
  if (pen === undefined)
    pen = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
  if (!pen) return text.length * size * 0.55;
  pen.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
  return pen.measureText(text).width;
}

/** The beginning of a text that fits into a width. */
export function fit(text: string, width: number, size: number, bold = false): string {
  if (measure(text, size, bold) <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const mid = Math.ceil((low + high) / 2);
    if (measure(`${text.slice(0, mid)}…`, size, bold) <= width) low = mid;
    else high = mid - 1;
  }
  return low === 0 ? "" : `${text.slice(0, low).trimEnd()}…`;
}

/** A text in lines of a width. */
export function wrap(text: string, width: number, size: number): string[] {
  const lines: string[] = [];
  for (const part of text.split("\n")) {
    let line = "";
    for (const word of part.split(" ")) {
      const longer = line ? `${line} ${word}` : word;
      if (line && measure(longer, size) > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(fit(line, width, size));
  }
  return lines;
}

type Look = { size?: number; bold?: boolean; ink?: string; end?: boolean; middle?: boolean; width?: number };

/** One line of words with its base at `y`. */
export function words(x: number, y: number, text: string, look: Look = {}): string {
  const { size = 11, bold = false, ink = "var(--ink)", end = false, middle = false, width } = look;
  const shown = width === undefined ? text : fit(text, width, size, bold);
  if (shown === "") return "";
  const anchor = end ? ' text-anchor="end"' : middle ? ' text-anchor="middle"' : "";
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-family="${escape(FONT)}" font-size="${size}"${bold ? ' font-weight="bold"' : ""} fill="${color(ink)}"${anchor}>${escape(shown)}</text>`;
}

export function box(x: number, y: number, width: number, height: number, fill: string, more = ""): string {
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(width, 0).toFixed(1)}" height="${Math.max(height, 0).toFixed(1)}" fill="${color(fill)}" ${more}/>`;
}

export const line = (points: [number, number][], ink: string, more = ""): string =>
  `<polyline points="${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")}" fill="none" stroke="${color(ink)}" ${more}/>`;

export const sheet = (width: number, height: number, inner: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${box(0, 0, width, height, "var(--panel)")}${inner}</svg>`;

export type Size = { width: number; height: number };
export type Spot = { x: number; y: number; width: number; height: number };

/** Where tiles stand: they flow over twelve columns and fill the holes that they leave, as on the screen. */
export function layout(sizes: Size[]): { spots: Spot[]; height: number } {
  const taken: boolean[][] = [];
  const free = (row: number, column: number, s: Size) => {
    for (let r = row; r < row + s.height; r += 1)
      for (let c = column; c < column + s.width; c += 1) if (taken[r]?.[c]) return false;
    return true;
  };
  const column = (PAGE_WIDTH - GAP * 11) / 12;
  let rows = 0;
  const spots = sizes.map((s) => {
    for (let row = 0; ; row += 1) {
      for (let at = 0; at + s.width <= 12; at += 1) {
        if (!free(row, at, s)) continue;
        for (let r = row; r < row + s.height; r += 1)
          for (let c = at; c < at + s.width; c += 1) (taken[r] ??= [])[c] = true;
        rows = Math.max(rows, row + s.height);
        return {
          x: at * (column + GAP),
          y: row * (ROW + GAP),
          width: s.width * column + (s.width - 1) * GAP,
          height: s.height * ROW + (s.height - 1) * GAP,
        };
      }
    }
  });
  return { spots, height: Math.max(rows * (ROW + GAP) - GAP, 0) };
}

/** The spots in pages of at most a height; a page ends only where no tile is cut. What is higher than a page gets one of its own. */
export function pages(spots: Spot[], height: number): { from: number; to: number }[] {
  const edges = [...new Set(spots.map((s) => s.y))].sort((a, b) => a - b);
  const clean = edges.filter((y) => !spots.some((s) => s.y < y && s.y + s.height > y));
  const end = Math.max(0, ...spots.map((s) => s.y + s.height));
  const found: { from: number; to: number }[] = [];
  let from = clean[0] ?? 0;
  clean.forEach((edge, at) => {
    const next = clean[at + 1] ?? end + GAP;
    if (next - GAP - from > height && edge > from) {
      found.push({ from, to: edge - GAP });
      from = edge;
    }
  });
  if (end > from) found.push({ from, to: end });
  return found;
}

/** Draws in the colours of the light scheme, whatever the page shows; nothing is painted in between. */
export function inLight<T>(draw: () => T): T {
  const root = document.documentElement;
  const name = "data-mantine-color-scheme";
  const scheme = root.getAttribute(name);
  root.setAttribute(name, "light");
  try {
    return draw();
  } finally {
    if (scheme !== null) root.setAttribute(name, scheme);
  }
}
