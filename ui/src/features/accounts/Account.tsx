import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { ApiProblem } from "@/api/problem";
import type { Account } from "@/api/types";
import { useAsOf } from "@/app/asOf";
import { day, money, scalar, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded, Skeleton } from "@/shared/ui/State";
import css from "./accounts.module.css";
import { Metrics } from "./Metrics";
import { accountQuery } from "./queries";
import { Timeline } from "./Timeline";

const MrrChart = lazy(() => import("./MrrChart"));

/** One account: what it is, how it is measured, and what happened. */
export function AccountPage() {
  const { id } = useParams({ from: "/accounts/$id" });
  const { asOf } = useAsOf();
  const account = useQuery(accountQuery(id, asOf));
  return (
    <>
      <Link to="/accounts" className={css.back}>All accounts</Link>
      {account.error instanceof ApiProblem && account.error.status === 404
        ? <Empty title={`There is no account “${id}”`}>{asOf ? `It may not have existed on ${day(asOf, "long")}.` : "It may have been erased."}</Empty>
        : <Loaded of={account} lines={12}>{(a) => <Body account={a} asOf={asOf} />}</Loaded>}
    </>
  );
}

function Body({ account: a, asOf }: { account: Account; asOf: string | undefined }) {
  return (
    <>
      <PageHead title={a.name} sub={<><span className="mono">{a.account_id}</span> · <Fresh at={a.computed_at} /></>} />
      <div className={css.account}>
        <section className={css.wide} aria-label="Facts"><Facts a={a} asOf={asOf} /></section>
        <div>
          <Panel title="Metrics" flush aside={<Fresh at={a.computed_at} />}><Metrics metrics={a.metrics} currency={a.currency} /></Panel>
          <Attributes a={a} />
          <Subscriptions a={a} />
          <Contacts a={a} />
          <History a={a} />
        </div>
        <div><Timeline account={a} asOf={asOf} /></div>
      </div>
    </>
  );
}

function Facts({ a, asOf }: { a: Account; asOf: string | undefined }) {
  return (
    <Panel title={asOf ? `On ${day(asOf, "long")}` : "Now"}>
      <div className={css.facts}>
        <div className={css.fact}><span>State</span><strong>{a.active ? "Active" : a.churned_on ? "Churned" : "Not started"}</strong></div>
        <div className={css.fact}><span>MRR</span><strong>{money(a.mrr, a.currency)}</strong></div>
        <div className={css.fact}><span>Owner</span><strong>{a.owner ?? "No owner"}</strong></div>
        <div className={css.fact}><span>Customer since</span><strong>{day(a.started_on)}</strong></div>
        {a.churned_on ? <div className={css.fact}><span>Churned on</span><strong>{day(a.churned_on)}</strong></div> : null}
        <div className={css.fact}>
          <span>Segment{a.segment_since ? ` since ${day(a.segment_since)}` : ""}</span>
          <SegmentChip id={a.segment} />
          {a.segment_why ? <span className={css.why}>{a.segment_why}</span> : null}
        </div>
      </div>
      {a.stub ? <p className={css.why}>Only the id of this account is known: events named it before any import did.</p> : null}
      {a.flags.length > 0 ? (
        <ul className={css.flags} aria-label="Data quality">
          {a.flags.map((f) => <li key={f.code + f.message}><Icon name="flag" /> <span>{f.message}</span></li>)}
        </ul>
      ) : null}
    </Panel>
  );
}

function Attributes({ a }: { a: Account }) {
  const entries = Object.entries(a.attributes);
  if (entries.length === 0) return null;
  return (
    <Panel title="Facts from your systems">
      <dl className={css.attributes}>
        {entries.map(([key, value]) => <div key={key}><dt>{words(key)}</dt><dd>{scalar(value)}</dd></div>)}
      </dl>
    </Panel>
  );
}

function Subscriptions({ a }: { a: Account }) {
  if (a.subscriptions.length === 0) return <Panel title="Subscriptions"><span className="dim">No subscription is known.</span></Panel>;
  return (
    <Panel title="Subscriptions" flush>
      {a.mrr_history.length > 0 ? <Suspense fallback={<Skeleton lines={4} />}><MrrChart account={a} /></Suspense> : null}
      <DataTable caption="Subscriptions" rows={[...a.subscriptions].reverse()} rowKey={(s) => `${s.subscription_id}${s.from_day}`} cols={[
        { label: "Subscription", show: (s) => <span className="mono">{s.subscription_id}</span> },
        { label: "From", show: (s) => day(s.from_day) },
        { label: "To", show: (s) => (s.to_day ? day(s.to_day) : "open") },
        { label: "MRR", num: true, show: (s) => money(s.mrr, s.currency ?? a.currency) },
        { label: "Reason", show: (s) => (s.reason ? words(s.reason) : "–") },
      ]} />
    </Panel>
  );
}

function Contacts({ a }: { a: Account }) {
  if (a.contacts.length === 0) return <Panel title="Contacts"><span className="dim">No contact is known.</span></Panel>;
  return (
    <Panel title="Contacts" flush>
      <DataTable caption="Contacts" rows={a.contacts} rowKey={(c) => c.contact_id} cols={[
        { label: "Name", show: (c) => c.name ?? c.contact_id },
        { label: "Role", show: (c) => [c.title, c.role].filter(Boolean).join(", ") || "–" },
        { label: "E-mail", show: (c) => (c.email ? <a href={`mailto:${c.email}`}>{c.email}</a> : "–") },
        ]} />
    </Panel>
  );
}

function History({ a }: { a: Account }) {
  if (a.segment_history.length === 0) return null;
  return (
    <Panel title="Segment history" flush>
      <DataTable caption="Segment history" rows={[...a.segment_history].reverse()} rowKey={(s) => s.from} cols={[
        { label: "Segment", show: (s) => <SegmentChip id={s.segment} /> },
        { label: "From", show: (s) => day(s.from) },
        { label: "To", show: (s) => (s.to ? day(s.to) : "now") },
        { label: "Why", show: (s) => s.why ?? "–" },
      ]} />
    </Panel>
  );
}
