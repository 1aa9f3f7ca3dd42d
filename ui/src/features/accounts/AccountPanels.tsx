import { lazy, Suspense } from "react";
import type { Account } from "@/api/types";
import { day } from "@/shared/days";
import { money, scalar, words } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Skeleton } from "@/shared/ui/State";
import css from "./accounts.module.css";

const MrrChart = lazy(() => import("./MrrChart"));

/** What the head of the page shows already. */
const IN_THE_HEAD = new Set(["mrr", "currency", "started_on", "churned_on", "owner", "name"]);

/** What other systems say of the account. */
export function Attributes({ a }: { a: Account }) {
  const entries = Object.entries(a.attributes).filter(([key]) => !IN_THE_HEAD.has(key));
  if (entries.length === 0) return null;
  return (
    <Panel title="Facts from your systems">
      <dl className={css.attributes}>
        {entries.map(([key, value]) => (
          <div key={key}>
            <dt>{words(key)}</dt>
            <dd>{scalar(value)}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

/** What it pays for, and how its MRR came about. */
export function Subscriptions({ a }: { a: Account }) {
  if (a.subscriptions.length === 0)
    return (
      <Panel title="Subscriptions">
        <span className="dim">No subscription is known.</span>
      </Panel>
    );
  return (
    <Panel title="Subscriptions" flush>
      {a.mrr_history.length > 0 ? (
        <Suspense fallback={<Skeleton lines={4} />}>
          <MrrChart account={a} />
        </Suspense>
      ) : null}
      <DataTable
        caption="Subscriptions"
        rows={[...a.subscriptions].reverse()}
        rowKey={(s) => `${s.subscription_id}${s.from_day}`}
        cols={[
          { label: "Subscription", show: (s) => <span className="mono">{s.subscription_id}</span> },
          { label: "From", show: (s) => day(s.from_day) },
          { label: "To", show: (s) => (s.to_day ? day(s.to_day) : "open") },
          { label: "MRR", num: true, show: (s) => money(s.mrr, s.currency ?? a.currency) },
          { label: "Reason", show: (s) => (s.reason ? words(s.reason) : "–") },
        ]}
      />
    </Panel>
  );
}

/** Its segments so far, and why. */
export function History({ a }: { a: Account }) {
  if (a.segment_history.length === 0) return null;
  return (
    <Panel title="Segment history" flush>
      <DataTable
        caption="Segment history"
        rows={[...a.segment_history].reverse()}
        rowKey={(s) => s.from}
        cols={[
          { label: "Segment", show: (s) => <SegmentChip id={s.segment} /> },
          { label: "From", show: (s) => day(s.from) },
          { label: "To", show: (s) => (s.to ? day(s.to) : "now") },
          { label: "Why", show: (s) => s.why ?? "–" },
        ]}
      />
    </Panel>
  );
}
