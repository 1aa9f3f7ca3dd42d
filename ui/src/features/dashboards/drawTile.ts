/** Tiles as drawings, for pictures and paper: the same words and figures as on the screen, as much of them as there is room for. */
import { BarChart, ScatterChart } from "echarts/charts";
import { init, use as register } from "echarts/core";
import type { DashboardPage, Tile } from "@/api/types";
import { day, instant } from "@/shared/days";
import { change, figure, number, percent, scalar, sides, words as said } from "@/shared/format";
import { color } from "@/shared/ui/Chart";
import { chartTheme } from "@/shared/ui/chartTheme";
import { STATUS } from "@/shared/ui/Status";
import { chartOption, scatterOption } from "./chartOption";
import { box, line, type Spot, words, wrap } from "./paper";
import { seriesLabel, shade, show, tickLabel, waitsFor } from "./rules";

register([BarChart, ScatterChart]);

const DIM = "var(--ink-3)";
const LINE = 17;

/** A chart's own drawing as a part of another one. */
function chart(tile: Tile, page: DashboardPage, at: Spot): string {
  const width = Math.max(at.width, 40);
  const height = Math.max(at.height, 40);
  const drawn = init(null, chartTheme(color), { renderer: "svg", ssr: true, width, height });
  const option = tile.kind === "scatter" ? scatterOption(tile, page.currency) : chartOption(tile, page.currency);
  drawn.setOption({ ...option, animation: false });
  const text = drawn.renderToSVGString();
  drawn.dispose();
  // Names inside it are its own, so that several charts can stand on one page.
  const own = text.replace(/(zr\d+)-/g, `$1-${tile.id}-`);
  return own.replace("<svg", `<svg x="${at.x.toFixed(1)}" y="${at.y.toFixed(1)}"`);
}

function figureTile(tile: Tile, page: DashboardPage, at: Spot): string {
  const f = tile.figure;
  if (!f) return "";
  const unit = tile.unit ?? "number";
  const value = (v: number | null) => figure(v, unit, page.currency);
  let y = at.y + 24;
  let out = words(at.x, y, value(f.value), { size: 22, bold: true, width: at.width });
  const next = (text: string | null | undefined, ink = DIM) => {
    if (!text || y + 15 > at.y + at.height) return;
    y += 15;
    out += words(at.x, y, text, { size: 10, ink, width: at.width });
  };
  next(sides(f.numerator, f.denominator, unit));
  const delta = f.before ? change(f.value, f.before.value, unit, tile.better ?? "up") : null;
  if (f.before) next(`${delta ? `${delta.text} against` : "before:"} ${value(f.before.value)}`);
  if (f.interval) next(`95 %: ${value(f.interval[0] ?? null)} to ${value(f.interval[1] ?? null)}`);
  for (const t of f.targets)
    next(
      `${STATUS[t.status].label}: ${t.target === null ? "goal waits for its baseline" : `goal ${value(t.target)}`} by ${day(t.deadline, "month")}`,
      "var(--ink-2)",
    );
  next(f.first_day === f.last_day ? `on ${day(f.last_day)}` : `${day(f.first_day)} to ${day(f.last_day)}`);
  const known = f.trend.map((t) => t.value).filter((v) => v !== null);
  if (known.length > 1 && at.width > 190) {
    const low = Math.min(...known);
    const span = Math.max(...known) - low || 1;
    const spark = f.trend.flatMap((t, i): [number, number][] =>
      t.value === null
        ? []
        : [[at.x + at.width - 80 + (i / (f.trend.length - 1)) * 80, at.y + 28 - ((t.value - low) / span) * 24]],
    );
    out += line(spark, "var(--brand)", 'stroke-width="1.5"');
  }
  return out;
}

type Cells = { head: string[]; rows: string[][]; right: boolean[] };

function table(cells: Cells, at: Spot): string {
  const { head, rows, right } = cells;
  const room = Math.max(Math.floor(at.height / LINE) - 1, 0);
  const shown = rows.length > room ? Math.max(room - 1, 0) : rows.length;
  const wide = head.length > 1 ? Math.max(1.8, head.length / 4) : 1;
  const unit = at.width / (head.length - 1 + wide);
  const left = (c: number) => at.x + (c === 0 ? 0 : (wide + c - 1) * unit);
  const cell = (c: number, y: number, text: string, bold: boolean, ink: string) => {
    const width = (c === 0 ? wide * unit : unit) - 8;
    return right[c]
      ? words(left(c) + width, y, text, { size: 10, bold, ink, end: true, width })
      : words(left(c), y, text, { size: 10, bold, ink, width });
  };
  let out = head.map((h, c) => cell(c, at.y + 11, h, true, DIM)).join("");
  rows.slice(0, shown).forEach((row, r) => {
    const y = at.y + (r + 1) * LINE;
    out += line(
      [
        [at.x, y - 1],
        [at.x + at.width, y - 1],
      ],
      "var(--line)",
      'stroke-width="0.5"',
    );
    out += row.map((text, c) => cell(c, y + 11, text, false, "var(--ink)")).join("");
  });
  if (shown < rows.length)
    out += words(at.x, at.y + (shown + 1) * LINE + 11, `and ${number(rows.length - shown, 0)} more rows`, {
      size: 10,
      ink: DIM,
    });
  return out;
}

function rowsOf(tile: Tile, page: DashboardPage): Cells {
  const numeric = (kind: string) => ["figure", "number", "integer"].includes(kind);
  return {
    head: tile.columns.map((c) => c.label),
    right: tile.columns.map((c) => numeric(c.kind)),
    rows: tile.rows.map((row) =>
      tile.columns.map((c, i) => {
        const value = row.cells[i];
        if (c.kind === "figure") return figure(typeof value === "number" ? value : null, row.unit, page.currency);
        if (c.kind === "status" && typeof value === "string")
          return value in STATUS ? STATUS[value as keyof typeof STATUS].label : value;
        if (c.kind === "segment") return typeof value === "string" && value ? said(value) : "–";
        return typeof value === "number" && !c.unit ? number(value, 2) : scalar(value, c.unit, page.currency);
      }),
    ),
  };
}

function grid(tile: Tile, page: DashboardPage, at: Spot): string {
  const values = tile.series.flatMap((s) => s.values.filter((v) => v !== null));
  const side = 110;
  const width = (at.width - side) / Math.max(tile.axis.length, 1);
  const height = Math.min(24, at.height / (tile.series.length + 1));
  const size = Math.min(10, height * 0.55);
  const middle = (row: number) => at.y + row * height + height / 2 + size / 3;
  let out = tile.axis
    .map((_, c) =>
      words(at.x + side + (c + 0.5) * width, middle(0), tickLabel(tile, c), { size, ink: DIM, middle: true, width }),
    )
    .join("");
  tile.series.forEach((s, r) => {
    out += words(at.x, middle(r + 1), seriesLabel(tile, s), { size, width: side - 6 });
    tile.axis.forEach((_, c) => {
      const value = s.values[c] ?? null;
      if (value === null) return;
      const strong = 0.15 + shade(value, values) * 0.45;
      out += box(
        at.x + side + c * width + 1,
        at.y + (r + 1) * height + 1,
        width - 2,
        height - 2,
        "var(--brand)",
        `fill-opacity="${strong.toFixed(2)}"`,
      );
      out += words(at.x + side + (c + 0.5) * width, middle(r + 1), show(tile, value, page.currency), {
        size,
        middle: true,
        width,
      });
    });
  });
  return out;
}

function funnel(tile: Tile, at: Spot): string {
  const values = tile.series[0]?.values ?? [];
  const first = values[0] ?? 0;
  const height = Math.min(40, at.height / Math.max(tile.axis.length, 1));
  return tile.axis
    .map((step, i) => {
      const value = values[i] ?? 0;
      const share = first > 0 ? value / first : 0;
      const y = at.y + i * height;
      return (
        words(at.x, y + 12, step.label, { size: 10, width: at.width - 90 }) +
        words(at.x + at.width, y + 12, `${number(value, 0)}  ${percent(share, 0)}`, {
          size: 10,
          bold: true,
          end: true,
        }) +
        box(at.x, y + 17, at.width, 9, "var(--panel-2)") +
        box(at.x, y + 17, at.width * share, 9, "var(--brand)")
      );
    })
    .join("");
}

function sentences(text: string, at: Spot, size = 11): string {
  return wrap(text, at.width, size)
    .slice(0, Math.max(Math.floor(at.height / (size * 1.4)), 1))
    .map((l, i) => words(at.x, at.y + size + i * size * 1.4, l, { size, ink: "var(--ink-2)" }))
    .join("");
}

function inner(tile: Tile, page: DashboardPage, at: Spot): string {
  if (tile.state === "waiting") return sentences(`No data yet. Waits for ${waitsFor(tile.note)}.`, at);
  if (tile.state === "failed") return sentences(`This tile could not be made. ${tile.note ?? ""}`, at);
  if (tile.state === "empty") return sentences(`No data. ${tile.note ?? ""}`, at);
  switch (tile.kind) {
    case "figure":
      return figureTile(tile, page, at);
    case "text":
      return sentences(tile.text ?? "", at, 12);
    case "table":
      return table(rowsOf(tile, page), at);
    case "heatmap":
    case "cohort":
      return grid(tile, page, at);
    case "funnel":
      return funnel(tile, at);
    default:
      return chart(tile, page, at);
  }
}

/** A tile at its spot: frame, title, what it shows, how fresh it is. */
export function drawTile(tile: Tile, page: DashboardPage, at: Spot): string {
  const head = tile.title ? 30 : 10;
  const fresh = tile.state === "ready" && tile.computed_at ? `computed ${instant(tile.computed_at)}` : "";
  const foot =
    tile.kind === "text" ? "" : [tile.state === "ready" ? tile.note : null, fresh].filter(Boolean).join(" · ");
  const spot = {
    x: at.x + 12,
    y: at.y + head,
    width: at.width - 24,
    height: at.height - head - (foot ? 22 : 8),
  };
  return (
    box(at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1, "var(--panel)", `stroke="${"#cfd6d3"}" rx="6"`) +
    words(at.x + 12, at.y + 20, tile.title, { size: 12, bold: true, width: at.width - 24 }) +
    inner(tile, page, spot) +
    (foot ? words(at.x + 12, at.y + at.height - 8, foot, { size: 8.5, ink: DIM, width: at.width - 24 }) : "")
  );
}
