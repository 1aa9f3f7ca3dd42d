import { Button, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { number, scalar } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Problem } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";

const EXAMPLE =
  "SELECT segment, count(*) AS accounts, sum(mrr) AS mrr\nFROM accounts\nWHERE active\nGROUP BY segment\nORDER BY accounts DESC";
const TABLES = "accounts, account_days, contacts, events, tickets, subscriptions, responses, opportunities";

/** A question in SQL to everything that is known; reading only. */
export default function Sql() {
  const [query, setQuery] = useState(EXAMPLE);
  const run = useMutation({ mutationFn: () => take(api.POST("/api/v1/sql", { body: { query, limit: 1000 } })) });
  return (
    <div style={{ display: "grid", gap: 16, gridTemplateColumns: "minmax(0, 1fr)" }}>
      <Panel title="SQL" aside={<span className="dim">Tables: {TABLES}</span>}>
        <Textarea
          aria-label="Query"
          autosize
          minRows={5}
          maxRows={20}
          spellCheck={false}
          value={query}
          onChange={(e) => setQuery(e.currentTarget.value)}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
          onKeyDown={(e) => {
            if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
              e.preventDefault();
              run.mutate();
            }
          }}
        />
        <Button mt="sm" loading={run.isPending} onClick={() => run.mutate()}>
          Run <kbd style={{ marginLeft: 8 }}>Ctrl Enter</kbd>
        </Button>
      </Panel>
      {run.error ? <Problem inline error={run.error} /> : null}
      {run.data ? (
        <Panel
          title={`${number(run.data.rows.length, 0)} rows`}
          flush
          aside={
            <span className="dim" role="status">
              {number(run.data.elapsed_ms, 0)} ms{run.data.truncated ? ", cut at 1,000 rows" : ""}
            </span>
          }
        >
          {run.data.rows.length === 0 ? (
            <Empty title="No row answers the question" />
          ) : (
            <table className={ui.table}>
              <caption className="sr">Answer</caption>
              <thead>
                <tr>
                  {run.data.columns.map((c) => (
                    <th key={c.name} scope="col" title={c.type}>
                      {c.name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {run.data.rows.map((row, i) => (
                  <tr key={i}>
                    {row.map((v, j) => (
                      <td key={j} className={typeof v === "number" ? ui.num : undefined}>
                        {typeof v === "number" ? number(v, 4) : scalar(v)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      ) : null}
    </div>
  );
}
