import type { DiffLine } from "@/api/types";
import css from "./program.module.css";

const SIGN = { added: "+", removed: "−", same: " ", gap: "…" } as const;
const SAID = { added: "added", removed: "removed", same: "", gap: "" } as const;

/** Two texts, line by line: what went and what came. */
export function Diff({ lines, label }: { lines: DiffLine[]; label: string }) {
  if (lines.length === 0) return <p className="dim">The texts are the same.</p>;
  return (
    // A wide text is scrolled, by keys too.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.diff} role="region" aria-label={label} tabIndex={0}>
      {lines.map((l, i) => (
        <div key={i} className={css[l.kind]}>
          <span className={css.no}>{l.old ?? ""}</span>
          <span className={css.no}>{l.new ?? ""}</span>
          <span aria-hidden="true">{SIGN[l.kind]} </span>
          <span className="sr">{SAID[l.kind]} </span>
          {l.text}
        </div>
      ))}
    </div>
  );
}
