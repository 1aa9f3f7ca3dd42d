import { ActionIcon } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import type { DashboardPage, Tile } from "@/api/types";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { Skeleton } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import css from "./dashboards.module.css";
import { FigureTile } from "./FigureTile";
import { FunnelTile } from "./FunnelTile";
import { GridTile } from "./GridTile";
import { beingMade, type Place, waitsFor } from "./rules";
import { TileMenu } from "./TileMenu";
import { PointsTable, SeriesTable, TileTable } from "./TileTable";

const ChartTile = lazy(() => import("./ChartTile"));

export type TileProps = { tile: Tile; page: DashboardPage; open: (place: Place) => void };

const CHARTS = ["line", "bar", "stacked", "scatter"];

/** One tile: its head, what it shows, and what a reader has to know about it. */
export function TileCard({ tile, page, open, plain = false }: TileProps & { plain?: boolean }) {
  const [table, setTable] = useState(false);
  const chart = tile.state === "ready" && CHARTS.includes(tile.kind);
  // What is empty takes no more room than its words need.
  const rows = tile.state === "ready" || tile.width < 12 ? tile.height : 1;
  const updating = tile.freshness === "updating";
  const worded = tile.state === "ready" ? tile.note || tile.kind !== "figure" || updating : updating;
  const footed = worded && tile.kind !== "text";
  const style = { "--w": tile.width, "--h": rows } as React.CSSProperties;
  return (
    <section
      className={`${ui.panel} ${css.tile} ${css[tile.kind] ?? ""}`}
      style={style}
      aria-label={tile.title || "Note"}
      data-tile={tile.id}
    >
      {tile.title ? (
        <header className={css.tileHead}>
          <h2 title={tile.description || undefined}>{tile.title}</h2>
          <span className={css.grow} />
          {tile.state === "ready" && !plain ? <TileMenu tile={tile} page={page} /> : null}
          {chart && !plain ? (
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              className={css.tool}
              aria-label={`Show ${tile.title} as a ${table ? "chart" : "table"}`}
              onClick={() => setTable(!table)}
            >
              <Icon name={table ? "trend" : "table"} size={14} />
            </ActionIcon>
          ) : null}
        </header>
      ) : null}
      <div className={css.body}>
        <TileContent tile={tile} page={page} open={open} table={table} />
      </div>
      {footed ? (
        <footer className={css.foot}>
          {tile.note && tile.state === "ready" ? <span>{tile.note}</span> : null}
          <span className={css.grow} />
          {tile.computed_at ? (
            <span>
              <Fresh at={tile.computed_at} />
              {beingMade(tile)}
            </span>
          ) : null}
        </footer>
      ) : null}
    </section>
  );
}

/** What a tile shows. */
export function TileContent({ tile, page, open, table }: TileProps & { table: boolean }) {
  if (tile.state === "waiting") {
    return (
      <div className={css.nothing}>
        <strong>No data yet</strong>
        <span>Waits for {waitsFor(tile.note)}. It fills by itself when they are there.</span>
      </div>
    );
  }
  if (tile.state === "failed") {
    return (
      <div className={`${css.nothing} ${css.failed}`} role="alert">
        <strong>This tile could not be made</strong>
        <span>{tile.note}</span>
      </div>
    );
  }
  if (tile.state === "empty") {
    return (
      <div className={css.nothing}>
        <strong>No data</strong>
        <span>{tile.note}</span>
      </div>
    );
  }
  const props = { tile, page, open };
  switch (tile.kind) {
    case "figure":
      return <FigureTile {...props} />;
    case "text":
      return <p className={css.words}>{tile.text}</p>;
    case "table":
      return <TileTable {...props} />;
    case "heatmap":
    case "cohort":
      return <GridTile {...props} />;
    case "funnel":
      return <FunnelTile {...props} />;
    default:
      if (table) return tile.kind === "scatter" ? <PointsTable {...props} /> : <SeriesTable {...props} />;
      return (
        <Suspense fallback={<Skeleton lines={6} />}>
          <ChartTile {...props} />
        </Suspense>
      );
  }
}
