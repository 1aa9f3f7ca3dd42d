import type { Placed } from "@/api/types";
import { sentence } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import css from "./program.module.css";

/** What the checker says, each with its place and what to do. */
export function Problems({
  list,
  pending = false,
  open,
  here = false,
}: {
  list: Placed[];
  pending?: boolean;
  /** They are all of the document beside them, whose name goes without saying. */
  here?: boolean;
  open?: (file: string, line: number, column: number) => void;
}) {
  if (list.length === 0)
    return (
      <p role="status" className="dim">
        {pending ? "Checking …" : "The checker has nothing to say against it."}
      </p>
    );
  return (
    <ul className={css.problems} aria-label="Problems" aria-busy={pending}>
      {list.map((p) => (
        <li key={`${p.file}:${p.line}:${p.column}:${p.problem}`} className={p.severity === "error" ? css.bad : css.odd}>
          <Icon name="warning" size={14} />{" "}
          {open ? (
            <button type="button" className={css.place} onClick={() => open(p.file, p.line, p.column)}>
              {here ? `Line ${p.line}, column ${p.column}` : `${p.file}:${p.line}:${p.column}`}
            </button>
          ) : (
            <code>
              {p.line}:{p.column}
            </code>
          )}{" "}
          {sentence(p.problem)} {p.nearest ? `Did you mean '${p.nearest}'? ` : ""}
          <strong>{sentence(p.remedy)}</strong>
        </li>
      ))}
    </ul>
  );
}
