import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { PreviewAnswer, Segment } from "@/api/types";
import { money, number, words } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Problem } from "@/shared/ui/State";
import css from "./segments.module.css";

/** Tries other rules without applying them, and shows which accounts would move. */
export function Preview({
  segments,
  unclassified,
  currency,
}: {
  segments: Segment[];
  unclassified: string | null;
  currency: string;
}) {
  const [rules, setRules] = useState<Record<string, string>>({});
  const draft = segments.map((s) => ({ id: s.id, label: s.label, rule: rules[s.id] ?? s.rule }));
  const changed = segments.some((s) => (rules[s.id] ?? s.rule) !== s.rule);
  const preview = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/segments/preview", { body: { segments: draft, unclassified: unclassified ?? undefined } }),
      ),
  });
  return (
    <Panel
      title="Try other rules"
      aside={<span className="dim">Nothing is changed by trying. Rules are applied with the program.</span>}
    >
      <form
        onSubmit={(e) => {
          e.preventDefault();
          preview.mutate();
        }}
      >
        <div className={css.rules}>
          {draft.map((s) => (
            <div key={s.id} className={css.rule}>
              <SegmentChip id={s.id} label={s.label} />
              <TextInput
                aria-label={`Rule of ${s.label}`}
                value={s.rule}
                spellCheck={false}
                autoComplete="off"
                styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
                onChange={(e) => {
                  const { value } = e.currentTarget;
                  setRules((r) => ({ ...r, [s.id]: value }));
                }}
              />
            </div>
          ))}
        </div>
        <div className={css.actions}>
          <Button type="submit" disabled={!changed} loading={preview.isPending}>
            Show who would move
          </Button>
          <Button
            variant="default"
            disabled={!changed}
            onClick={() => {
              setRules({});
              preview.reset();
            }}
          >
            Reset
          </Button>
        </div>
      </form>
      {preview.error ? <Problem inline error={preview.error} /> : null}
      {preview.data ? <Moves answer={preview.data} currency={currency} /> : null}
    </Panel>
  );
}

export function Moves({ answer, currency }: { answer: PreviewAnswer; currency: string | null }) {
  return (
    <div role="status">
      <div className={css.counts}>
        {Object.entries(answer.counts).map(([id, n]) => (
          <span key={id}>
            <SegmentChip id={id} label={words(id)} /> {number(n, 0)}
          </span>
        ))}
        <span className="dim">
          {number(answer.unclassified, 0)} unclassified, {number(answer.undecided, 0)} undecided, of{" "}
          {number(answer.total, 0)} active
        </span>
      </div>
      {answer.moves.length === 0 ? (
        <Empty title="Nobody would move" />
      ) : (
        <DataTable
          caption="Accounts that would move"
          rows={answer.moves}
          rowKey={(m) => `${m.from}>${m.to}`}
          cols={[
            { label: "From", show: (m) => <SegmentChip id={m.from} /> },
            { label: "To", show: (m) => <SegmentChip id={m.to} /> },
            { label: "Accounts", num: true, show: (m) => number(m.accounts, 0) },
            { label: "MRR", num: true, show: (m) => money(m.mrr, currency) },
            {
              label: "For example",
              show: (m) =>
                m.sample.map((a, i) => (
                  <span key={a.account_id} title={a.why}>
                    {i ? ", " : ""}
                    <Link to="/accounts/$id" params={{ id: a.account_id }}>
                      {a.name}
                    </Link>
                  </span>
                )),
            },
          ]}
        />
      )}
    </div>
  );
}
