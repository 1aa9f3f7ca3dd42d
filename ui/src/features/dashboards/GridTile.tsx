import { sides } from "@/shared/format";
import { readerLocale } from "@/shared/reader";
import css from "./dashboards.module.css";
import { Scroll } from "./Scroll";
import { behind, seriesLabel, shade, show, tickLabel } from "./rules";
import type { TileProps } from "./TileCard";

/** A grid of shades: a heat map, or cohorts by the month of their start. Every cell says its value in words. */
export function GridTile({ tile, page, open }: TileProps) {
  const values = tile.series.flatMap((s) => s.values.filter((v) => v !== null));
  const cohort = tile.kind === "cohort";
  // Where less is better, the strong shade is the bad one all the same: it says "much".
  const words = (s: (typeof tile.series)[number], at: number) =>
    `${seriesLabel(tile, s)}, ${cohort ? `after ${at} ${at === 1 ? "month" : "months"}` : tickLabel(tile, at)}: ${show(tile, s.values[at], page.currency)}`;
  return (
    <Scroll label={`${tile.title}, grid`}>
      <table className={css.heat}>
        <caption className="sr">{tile.title}</caption>
        <thead>
          <tr>
            <th scope="col">{cohort ? "Started" : <span className="sr">Group</span>}</th>
            {cohort ? <th scope="col">Size</th> : null}
            {tile.axis.map((t, at) => (
              <th key={t.key} scope="col">
                {cohort ? t.label : tickLabel(tile, at)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tile.series.map((s) => (
            <tr key={s.key}>
              <th scope="row">{seriesLabel(tile, s)}</th>
              {cohort ? (
                <td className={css.size}>
                  {s.denominators
                    .find((d) => d !== null)
                    ?.toLocaleString(readerLocale(), { maximumFractionDigits: 0 }) ?? "–"}
                </td>
              ) : null}
              {tile.axis.map((t, at) => {
                const value = s.values[at] ?? null;
                if (value === null) return <td key={t.key} />;
                const strength = shade(value, values);
                const parts = sides(s.numerators[at] ?? null, s.denominators[at] ?? null, tile.unit ?? "number");
                const place = { tile: tile.id, series: s.key, at: t.key };
                return (
                  <td
                    key={t.key}
                    className={css.cell}
                    style={{
                      background: `color-mix(in srgb, var(--brand-soft) ${Math.round(20 + strength * 80)}%, var(--panel))`,
                      boxShadow: `inset 0 -${(strength * 4).toFixed(1)}px 0 var(--brand)`,
                    }}
                  >
                    {behind(page, place) ? (
                      <button
                        type="button"
                        aria-label={`${words(s, at)}. Open the accounts`}
                        title={`${words(s, at)}${parts ? ` (${parts})` : ""}`}
                        onClick={() => open(place)}
                      >
                        {show(tile, value, page.currency)}
                      </button>
                    ) : (
                      <span title={words(s, at)}>{show(tile, value, page.currency)}</span>
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
