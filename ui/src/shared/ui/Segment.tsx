import { words } from "../format";
import css from "./ui.module.css";

const KNOWN: Record<string, number> = { strategic: 1, core: 2, digital: 3 };

/** The colour of a segment: fixed for the usual three, stable by name for any other. */
export function segmentColor(id: string | null | undefined): string {
  if (!id || id === "all") return "var(--seg-all)";
  if (id === "unclassified") return "var(--none)";
  const known = KNOWN[id];
  if (known) return `var(--seg-${known})`;
  let sum = 0;
  for (const c of id) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) % 997;
  return `var(--seg-${4 + (sum % 2)})`;
}

/** A segment's name with its colour. */
export function SegmentChip({ id, label }: { id: string | null; label?: string }) {
  return (
    <span className={css.chip}>
      <span className={css.dot} style={{ background: segmentColor(id) }} />
      {label ?? (id ? words(id) : "Unclassified")}
    </span>
  );
}
