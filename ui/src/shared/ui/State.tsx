import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiProblem } from "@/api/problem";
import { sentence } from "../format";
import { Icon } from "./Icon";
import css from "./ui.module.css";

/** A failure, with what to do about it and the number under which the server logged it. */
export function Problem({ error, retry, inline = false }: { error: unknown; retry?: () => void; inline?: boolean }) {
  const p = error instanceof ApiProblem ? error : null;
  return (
    <div role="alert" className={`${css.state} ${css.problem} ${inline ? css.inline : ""}`}>
      <h2>{p?.title ?? "This part of the page failed"}</h2>
      {p?.detail || !p ? <p>{p?.detail ?? (error instanceof Error ? error.message : String(error))}</p> : null}
      {p && p.errors.length > 0 ? (
        <ul className={css.fields}>
          {p.errors.map((e, i) => (
            <li key={`${e.field ?? ""}${i}`}>
              {e.field ? <code>{e.field}</code> : null} {e.problem}
              {e.problem && /[.!?]$/.test(e.problem) ? " " : ". "}
              {e.remedy ? <strong>{sentence(e.remedy)}</strong> : null}
            </li>
          ))}
        </ul>
      ) : null}
      {retry ? (
        <Button variant="default" size="xs" leftSection={<Icon name="refresh" size={14} />} onClick={retry}>
          Try again
        </Button>
      ) : null}
      {p?.requestId ? (
        <p className="small dim">
          Request <code>{p.requestId}</code>
        </p>
      ) : null}
    </div>
  );
}

/** Nothing to show, why, and what fills it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css.state}>
      <h2>{title}</h2>
      {children ? <div className="dim">{children}</div> : null}
    </div>
  );
}

/** Grey lines in the place of what is being loaded. */
export function Skeleton({ lines = 3, height = 16 }: { lines?: number; height?: number }) {
  return (
    <div aria-hidden="true" style={{ display: "grid", gap: 10, padding: 12 }}>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} className={css.skeleton} style={{ height, width: `${100 - ((i * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

type Answer<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

/** Shows one of loading, failure, or the data; a failed refresh keeps the last good data on the page. */
export function Loaded<T>({
  of,
  lines,
  children,
}: {
  of: Answer<T>;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error ? <Problem inline error={of.error} retry={() => void of.refetch()} /> : null}
        {children(of.data)}
      </>
    );
  }
  if (of.error) return <Problem error={of.error} retry={() => void of.refetch()} />;
  return (
    <div role="status">
      <span className="sr">Loading</span>
      <Skeleton lines={lines} />
    </div>
  );
}
