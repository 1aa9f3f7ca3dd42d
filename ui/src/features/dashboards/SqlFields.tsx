import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { Skeleton } from "@/shared/ui/State";
import { tablesQuery } from "./queries";
import type { FieldsProps } from "./KpiFields";
import css from "./editing.module.css";

const Code = lazy(() => import("@/shared/ui/Code"));
const FILTERS = [":segment", ":owner", ":from", ":to"];
const FUNCTIONS = ["count", "sum", "avg", "min", "max", "date_trunc", "coalesce", "prop", "prop_num"];

/** The guarded console: a query that may only read, with the tables and columns that there are beside it. */
export function SqlFields({ tile, set, run, running }: FieldsProps & { run: () => void; running: boolean }) {
  const tables = useQuery(tablesQuery);
  const [find, setFind] = useState("");
  const known = useMemo(() => tables.data?.tables ?? [], [tables.data]);
  const words = useCallback(
    () => [
      ...known.map((t) => ({ label: t.name, detail: "table", type: "class" })),
      ...[...new Map(known.flatMap((t) => t.columns.map((c) => [c.name, { label: c.name, detail: c.type }]))).values()],
      ...FUNCTIONS.map((f) => ({ label: f, detail: "function", type: "function" })),
    ],
    [known],
  );
  const wanted = find.trim().toLowerCase();
  const hits = (name: string, about: string) => `${name} ${about}`.toLowerCase().includes(wanted);
  return (
    <>
      <p className="dim small" id="sql-limits">
        Reading only: one SELECT. It has 10 seconds, 256 MiB of memory and 2,000 rows; what asks for more is stopped and
        says so.{" "}
        {FILTERS.map((f) => <code key={f}>{f}</code>).reduce((a, b) => (
          <>
            {a} {b}
          </>
        ))}{" "}
        stand for the filters of the page and are null when not set. The first column goes across, numbers are values,
        and a text in second place makes a series of each of its values.
      </p>
      {/* Ctrl+Enter runs, as in every console. */}
      <div
        onKeyDownCapture={(e) => {
          if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey)) return;
          e.preventDefault();
          e.stopPropagation();
          run();
        }}
      >
        <Suspense fallback={<Skeleton lines={5} />}>
          <Code
            label="Query"
            value={tile.sql ?? ""}
            change={(sql) => set({ sql })}
            words={words}
            marks={[]}
            height="160px"
          />
        </Suspense>
      </div>
      <Button size="xs" loading={running} onClick={run} style={{ justifySelf: "start" }} aria-describedby="sql-limits">
        Run <kbd style={{ marginLeft: 8 }}>Ctrl Enter</kbd>
      </Button>
      <details className={css.help}>
        <summary>Tables and columns</summary>
        <TextInput
          size="xs"
          aria-label="Find a table or a column"
          placeholder="Find a table or a column"
          value={find}
          onChange={(e) => setFind(e.currentTarget.value)}
        />
        {known.map((t) => {
          const columns = wanted === "" ? t.columns : t.columns.filter((c) => hits(c.name, c.about));
          if (wanted !== "" && columns.length === 0 && !hits(t.name, t.about)) return null;
          return (
            <details key={t.name} open={wanted !== ""}>
              <summary>
                <code>{t.name}</code> <span className="dim small">{t.about}</span>
              </summary>
              <ul>
                {columns.map((c) => (
                  <li key={c.name}>
                    <code>{c.name}</code>{" "}
                    <span className="dim small">
                      {c.type}
                      {c.about ? `, ${c.about}` : ""}
                    </span>
                  </li>
                ))}
              </ul>
            </details>
          );
        })}
      </details>
    </>
  );
}
