import { Checkbox } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { AccountRow, Column } from "@/api/types";
import { isWriting } from "@/app/shortcuts";
import { money, number, scalar, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { SegmentChip } from "@/shared/ui/Segment";
import { Points, Way } from "@/features/scores/Bits";
import { ownerName } from "@/features/owners/names";
import css from "./accounts.module.css";
import { isTextual, nextSort, sortOf } from "./rules";

type Props = {
  rows: AccountRow[];
  total: number;
  columns: Column[];
  chosen: string[];
  /** The score that is shown; null = the program has none. */
  score: { label: string } | null;
  sort: string;
  currency: string | null;
  setSort: (sort: string | undefined) => void;
  more: (() => void) | null;
  stale: boolean;
  selected: ReadonlySet<string>;
  select: (ids: string[], on: boolean) => void;
};
const FIXED: { id: string; label: string; text: boolean }[] = [
  { id: "name", label: "Account", text: true },
  { id: "segment", label: "Segment", text: true },
  { id: "owner", label: "Owner", text: true },
  { id: "mrr", label: "MRR", text: false },
];

/** A table that draws only what is on the screen and asks for more before its end is reached. */
export function AccountTable({
  rows,
  total,
  columns,
  chosen,
  score,
  currency,
  sort,
  setSort,
  more,
  stale,
  selected,
  select,
}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const narrow = useMediaQuery("(max-width: 640px)") ?? false;
  const [at, setAt] = useState(-1);
  const height = narrow ? 68 : 34;
  // eslint-disable-next-line react-hooks/incompatible-library -- the project does not use the React compiler, which is what this rule guards.
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const extra = chosen.map((id) => columns.find((c) => c.id === id)).filter((c): c is Column => c !== undefined);

  useEffect(() => virtual.measure(), [height, virtual]);
  useEffect(() => {
    if (more && lastShown > rows.length - 60) more();
  }, [lastShown, rows.length, more]);
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if (
        (e.key !== "j" && e.key !== "k") ||
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        isWriting(e.target) ||
        document.querySelector('[role="dialog"]')
      )
        return;
      e.preventDefault();
      setAt((was) => Math.max(0, Math.min(rows.length - 1, was + (e.key === "j" ? 1 : -1))));
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [rows.length]);
  useEffect(() => {
    if (at < 0) return;
    virtual.scrollToIndex(at);
    // The row may be drawn only after the scroll.
    const frame = requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-index="${at}"] a`)?.focus({ preventScroll: true }),
    );
    return () => cancelAnimationFrame(frame);
  }, [at, virtual]);

  const template = `20px minmax(200px, 2fr) 128px minmax(190px, 1.2fr) 104px ${score ? "84px 92px " : ""}${extra.map((c) => (isTextual(c) ? "minmax(120px, 1fr)" : `minmax(${Math.max(88, c.label.length * 7.5 + 18)}px, 0.6fr)`)).join(" ")}`;
  const minWidth =
    632 + (score ? 200 : 0) + extra.reduce((sum, c) => sum + Math.max(120, c.label.length * 7.5 + 30), 0);
  // Of scores and velocities the lowest come first: those are who one looks for.
  const head = (id: string, label: string, text: boolean, lowFirst = text) => {
    const order = sortOf(sort, id);
    return (
      <div key={id} role="columnheader" aria-sort={order} className={text ? css.th : `${css.th} ${css.right}`}>
        <button type="button" onClick={() => setSort(nextSort(sort, id, lowFirst))}>
          {label} {order === "none" ? null : <Icon name={order === "ascending" ? "arrowUp" : "arrowDown"} size={13} />}
        </button>
      </div>
    );
  };
  return (
    <div className={css.frame}>
      <div
        ref={box}
        className={css.box}
        role="table"
        aria-label="Accounts"
        aria-rowcount={total + 1}
        aria-busy={stale}
        tabIndex={-1}
      >
        <div style={narrow ? undefined : { minWidth }}>
          <div role="rowgroup" className={css.sticky}>
            <div role="row" aria-rowindex={1} className={css.headRow} style={{ gridTemplateColumns: template }}>
              <div role="columnheader">
                <Checkbox
                  size="xs"
                  aria-label="Select all that are loaded"
                  checked={rows.length > 0 && rows.every((r) => selected.has(r.account_id))}
                  indeterminate={
                    rows.some((r) => selected.has(r.account_id)) && !rows.every((r) => selected.has(r.account_id))
                  }
                  onChange={(e) =>
                    select(
                      rows.map((r) => r.account_id),
                      e.currentTarget.checked,
                    )
                  }
                />
              </div>
              {FIXED.map((c) => head(c.id, c.label, c.text))}
              {score ? (
                <>
                  {head("score", score.label, false, true)}
                  {head("velocity", "Moves", true, true)}
                </>
              ) : null}
              {extra.map((c) => head(c.id, c.label || words(c.id), isTextual(c)))}
            </div>
          </div>
          <div
            role="rowgroup"
            className={stale ? css.stale : undefined}
            style={{ height: virtual.getTotalSize(), position: "relative" }}
          >
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <div
                  key={row.account_id}
                  role="row"
                  aria-rowindex={item.index + 2}
                  data-index={item.index}
                  className={`${css.row} ${item.index === at ? css.at : ""}`}
                  style={{ gridTemplateColumns: template, height, transform: `translateY(${item.start}px)` }}
                >
                  <div role="cell" className={css.pickCell}>
                    <Checkbox
                      size="xs"
                      aria-label={`Select ${row.name}`}
                      checked={selected.has(row.account_id)}
                      onChange={(e) => select([row.account_id], e.currentTarget.checked)}
                    />
                  </div>
                  <div role="cell" className={css.nameCell}>
                    <Link
                      to="/accounts/$id"
                      params={{ id: row.account_id }}
                      className="ellipsis"
                      onFocus={() => setAt(item.index)}
                    >
                      {row.name}
                    </Link>
                    {row.flags > 0 ? (
                      <span
                        className={css.flagged}
                        title={`${row.flags} ${row.flags === 1 ? "doubt" : "doubts"} about its data`}
                      >
                        <Icon name="flag" size={13} />
                        <span className="sr">{row.flags} doubts about its data</span>
                      </span>
                    ) : null}
                    {row.active ? null : <span className={css.churned}>churned</span>}
                  </div>
                  <div role="cell">
                    <SegmentChip id={row.segment} />
                  </div>
                  <div role="cell" className="ellipsis dim" title={row.owner ?? undefined}>
                    {row.owner ? ownerName(row.owner) : "no owner"}
                  </div>
                  <div role="cell" className="num">
                    {money(row.mrr, row.currency ?? currency)}
                  </div>
                  {score ? (
                    <>
                      <div role="cell" className={`num ${css.score}`}>
                        <Points points={row.score?.points ?? null} band={row.score?.band ?? null} />
                      </div>
                      <div role="cell">
                        {row.score ? <Way velocity={row.score.velocity} /> : <span className="dim">–</span>}
                      </div>
                    </>
                  ) : null}
                  {extra.map((c) => (
                    <div key={c.id} role="cell" className={isTextual(c) ? "ellipsis" : "num"} data-label={c.label}>
                      {scalar(
                        row.values[c.id],
                        c.unit ?? (c.type === "money" ? "money" : null),
                        row.currency ?? currency,
                      )}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      <div className={css.foot} role="status">
        {more || rows.length < total
          ? `${number(rows.length, 0)} of ${number(total, 0)} loaded`
          : `All ${number(total, 0)} shown`}
      </div>
    </div>
  );
}
