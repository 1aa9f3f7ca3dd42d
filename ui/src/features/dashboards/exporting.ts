/** Files of a page: tables from the server, pictures and paper from the browser. */
import { api, take } from "@/api/client";
import type { DashboardPage, DashboardQuery, Tile } from "@/api/types";

const COMPARED: Record<string, string> = { previous: "the period before", year: "the year before" };

/** The filters of a page in words. */
export function filtersInWords(page: DashboardPage): string {
  const { segment, owner, period, compare } = page.filters;
  const label = page.segments.find((s) => s.id === segment)?.label ?? segment;
  return [
    segment === "all" ? "all accounts" : label,
    owner ? `owner ${owner}` : null,
    period ? `period ${period}` : null,
    COMPARED[compare] ? `compared with ${COMPARED[compare]}` : null,
  ]
    .filter(Boolean)
    .join(", ");
}

/** A name for a file, without what file systems refuse. */
export const fileName = (page: DashboardPage, tile: Tile | undefined, kind: string): string =>
  `${[page.title, ...(tile ? [tile.title || tile.id] : []), page.as_of].join("-").replace(/[^\w.-]+/g, "-")}.${kind}`;

/** Hands something to the reader as a file. */
export function save(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export type Sheet = "csv" | "xlsx";

/** What the page was asked with, so that a file shows the same. */
export const askedOf = (page: DashboardPage): DashboardQuery => ({
  segment: page.filters.segment,
  owner: page.filters.owner ?? undefined,
  period: page.filters.period ?? undefined,
  compare: page.filters.compare,
  as_of: page.as_of,
});

/** The page, or one of its tiles, as tables: numbers stay numbers, and nothing in it is a formula. */
export async function sheet(page: DashboardPage, format: Sheet, tile?: Tile): Promise<void> {
  const query = askedOf(page);
  const content = tile
    ? await take(
        api.GET("/api/v1/dashboards/{id}/tiles/{tile}/export/{format}", {
          params: { path: { id: page.id, tile: tile.id, format }, query },
          parseAs: "blob",
        }),
      )
    : await take(
        api.GET("/api/v1/dashboards/{id}/export/{format}", {
          params: { path: { id: page.id, format }, query },
          parseAs: "blob",
        }),
      );
  save(fileName(page, tile, format === "csv" && !tile ? "zip" : format), content as unknown as Blob);
}

/** The page, or one of its tiles, as a picture. */
export async function picture(page: DashboardPage, tile?: Tile): Promise<void> {
  const { png } = await import("./drawPage");
  save(fileName(page, tile, "png"), await png(page, tile));
}

/** The page on paper. */
export async function paper(page: DashboardPage): Promise<void> {
  const { pdf } = await import("./drawPage");
  save(fileName(page, undefined, "pdf"), await pdf(page));
}
