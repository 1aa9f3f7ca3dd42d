import type { ReactNode } from "react";
import css from "./dashboards.module.css";

/** A part that scrolls: it can be reached and moved by keys. */
export function Scroll({ label, children }: { label: string; children: ReactNode }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to take the keys (WCAG 2.1.1)
    <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}
