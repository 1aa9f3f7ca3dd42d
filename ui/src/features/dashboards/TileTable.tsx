import { Link } from "@tanstack/react-router";
import type { Status, TileColumn, TileRow } from "@/api/types";
import { figure, number, scalar, sides } from "@/shared/format";
import { SegmentChip } from "@/shared/ui/Segment";
import { STATUS, StatusBadge } from "@/shared/ui/Status";
import ui from "@/shared/ui/ui.module.css";
import css from "./dashboards.module.css";
import { Scroll } from "./Scroll";
import { behind, seriesLabel, show, tickLabel, waitsFor } from "./rules";
import type { TileProps } from "./TileCard";

const isNumber = (c: TileColumn) => ["figure", "number", "integer"].includes(c.kind);
const isStatus = (v: unknown): v is Status => typeof v === "string" && v in STATUS;

/** The rows of a table: figures against their goals, accounts, or a query's answer. */
export function TileTable({ tile, page, open }: TileProps) {
  const cell = (row: TileRow, column: TileColumn, value: unknown) => {
    if (column.kind === "figure") {
      if (column.id === "target" && value === null) return "–";
      const text = figure(typeof value === "number" ? value : null, row.unit, page.currency);
      const opens = row.kpi && typeof value === "number" && !["before", "target"].includes(column.id);
      if (!opens || !row.kpi) return text;
      const at = column.id === "value" ? undefined : column.id;
      const kpi = row.kpi;
      return (
        <button type="button" className={css.link} onClick={() => open({ tile: tile.id, series: kpi, at })}>
          {text}
        </button>
      );
    }
    if (column.kind === "status") {
      if (isStatus(value)) return <StatusBadge status={value} />;
      return typeof value === "string" ? (
        <span className="dim">waits for {waitsFor(value.replace("waits for ", ""))}</span>
      ) : null;
    }
    if (column.kind === "segment") return <SegmentChip id={typeof value === "string" ? value : null} />;
    if (row.account_id && (column.kind === "account" || column.id === "name")) {
      return (
        <Link to="/accounts/$id" params={{ id: row.account_id }}>
          {String(value ?? row.account_id)}
        </Link>
      );
    }
    if (typeof value === "number" && !column.unit) return number(value, 2);
    return scalar(value, column.unit, page.currency);
  };
  return (
    <Scroll label={`${tile.title}, table`}>
      <table className={ui.table}>
        <caption className="sr">{tile.title}</caption>
        <thead>
          <tr>
            {tile.columns.map((c) => (
              <th key={c.id} scope="col" className={isNumber(c) ? ui.num : undefined}>
                {c.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tile.rows.map((row, i) => (
            <tr key={i}>
              {tile.columns.map((c, at) => (
                <td key={c.id} className={isNumber(c) ? ui.num : undefined}>
                  {cell(row, c, row.cells[at])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The points of a chart as a table: for who does not see it, and to read them exactly. */
export function SeriesTable({ tile, page, open }: TileProps) {
  return (
    <Scroll label={`${tile.title}, table`}>
      <table className={ui.table}>
        <caption className="sr">{tile.title}</caption>
        <thead>
          <tr>
            <th scope="col">{tile.over_time ? "Up to" : "Group"}</th>
            {tile.series.map((s) => (
              <th key={s.key} scope="col" className={ui.num}>
                {seriesLabel(tile, s)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tile.axis.map((t, at) => (
            <tr key={t.key}>
              <th scope="row">{tickLabel(tile, at)}</th>
              {tile.series.map((s) => {
                const place = { tile: tile.id, series: s.key, at: t.key };
                const text = show(tile, s.values[at], page.currency);
                const parts = sides(s.numerators[at] ?? null, s.denominators[at] ?? null, tile.unit ?? "number");
                return (
                  <td key={s.key} className={ui.num} title={parts ?? undefined}>
                    {s.values[at] !== null && behind(page, place) ? (
                      <button type="button" className={css.link} onClick={() => open(place)}>
                        {text}
                      </button>
                    ) : (
                      text
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The accounts of a scatter as a table. */
export function PointsTable({ tile, page }: TileProps) {
  const [x, y, size] = tile.axes;
  return (
    <Scroll label={`${tile.title}, table`}>
      <table className={ui.table}>
        <caption className="sr">{tile.title}</caption>
        <thead>
          <tr>
            <th scope="col">Account</th>
            <th scope="col">Segment</th>
            {[x, y, size].map((c) =>
              c ? (
                <th key={c.id} scope="col" className={ui.num}>
                  {c.label}
                </th>
              ) : null,
            )}
          </tr>
        </thead>
        <tbody>
          {tile.points.slice(0, 200).map((p) => (
            <tr key={p.account_id}>
              <td>
                <Link to="/accounts/$id" params={{ id: p.account_id }}>
                  {p.name}
                </Link>
              </td>
              <td>
                <SegmentChip id={p.segment || null} />
              </td>
              <td className={ui.num}>{scalar(p.x, x?.unit, page.currency)}</td>
              <td className={ui.num}>{scalar(p.y, y?.unit, page.currency)}</td>
              {size ? <td className={ui.num}>{scalar(p.size, size.unit, page.currency)}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
