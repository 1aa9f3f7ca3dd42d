import type { ReactNode } from "react";
import css from "./ui.module.css";

/** The head of a page: its title, one line about it, and what can be done. */
export function PageHead({ title, sub, children }: { title: string; sub?: ReactNode; children?: ReactNode }) {
  return (
    <header className={css.pageHead}>
      <div className={css.headline}>
        <h1>{title}</h1>
        {sub ? <div className={css.sub}>{sub}</div> : null}
      </div>
      {children ? <div className={css.actions}>{children}</div> : null}
    </header>
  );
}

/** A titled area of a page. */
export function Panel({
  title,
  aside,
  children,
  flush = false,
  scroll = true,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  scroll?: boolean;
}) {
  return (
    <section className={css.panel} aria-label={title}>
      <div className={css.panelHead}>
        <h2>{title}</h2>
        <div className={css.grow} />
        {aside}
      </div>
      <div className={flush ? (scroll ? css.scroll : undefined) : css.panelBody}>{children}</div>
    </section>
  );
}

export type Col<T> = { label: string; num?: boolean; show: (row: T) => ReactNode };

/** A small table that turns into a readable list on a phone. */
export function DataTable<T>({
  rows,
  cols,
  rowKey,
  caption,
}: {
  rows: T[];
  cols: Col<T>[];
  rowKey: (row: T) => string;
  caption: string;
}) {
  return (
    <table className={`${css.table} ${css.stack}`}>
      <caption className="sr">{caption}</caption>
      <thead>
        <tr>
          {cols.map((c) => (
            <th key={c.label} scope="col" className={c.num ? css.num : undefined}>
              {c.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={rowKey(row)}>
            {cols.map((c) => (
              <td key={c.label} data-label={c.label} className={c.num ? css.num : undefined}>
                {c.show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
