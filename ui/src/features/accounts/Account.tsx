import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ApiProblem } from "@/api/problem";
import type { Account } from "@/api/types";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { money } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { Attributes, Contacts, History, Subscriptions } from "./AccountPanels";
import css from "./accounts.module.css";
import { Metrics } from "./Metrics";
import { accountQuery } from "./queries";
import { Timeline } from "./Timeline";

/** One account: what it is, how it is measured, and what happened. */
export function AccountPage() {
  const { id } = useParams({ from: "/accounts/$id" });
  const { asOf } = useAsOf();
  const account = useQuery(accountQuery(id, asOf));
  return (
    <>
      <Link to="/accounts" className={css.back}>
        All accounts
      </Link>
      {account.error instanceof ApiProblem && account.error.status === 404 ? (
        <Empty title={`There is no account “${id}”`}>
          {asOf ? `It may not have existed on ${day(asOf, "long")}.` : "It may have been erased."}
        </Empty>
      ) : (
        <Loaded of={account} lines={12}>
          {(a) => <Body account={a} asOf={asOf} />}
        </Loaded>
      )}
    </>
  );
}

function Body({ account: a, asOf }: { account: Account; asOf: string | undefined }) {
  return (
    <>
      <PageHead
        title={a.name}
        sub={
          <>
            <span className="mono">{a.account_id}</span> · <Fresh at={a.computed_at} />
          </>
        }
      />
      <div className={css.account}>
        <section className={css.wide} aria-label="Facts">
          <Facts a={a} asOf={asOf} />
        </section>
        <div>
          <Panel title="Metrics" flush aside={<Fresh at={a.computed_at} />}>
            <Metrics metrics={a.metrics} currency={a.currency} />
          </Panel>
          <Attributes a={a} />
          <Subscriptions a={a} />
          <Contacts a={a} />
          <History a={a} />
        </div>
        <div>
          <Timeline account={a} asOf={asOf} />
        </div>
      </div>
    </>
  );
}

function Facts({ a, asOf }: { a: Account; asOf: string | undefined }) {
  return (
    <Panel title={asOf ? `On ${day(asOf, "long")}` : "Now"}>
      <div className={css.facts}>
        <div className={css.fact}>
          <span>State</span>
          <strong>{a.active ? "Active" : a.churned_on ? "Churned" : "Not started"}</strong>
        </div>
        <div className={css.fact}>
          <span>MRR</span>
          <strong>{money(a.mrr, a.currency)}</strong>
        </div>
        <div className={css.fact}>
          <span>Owner</span>
          <strong>{a.owner ?? "No owner"}</strong>
        </div>
        <div className={css.fact}>
          <span>Customer since</span>
          <strong>{day(a.started_on)}</strong>
        </div>
        {a.churned_on ? (
          <div className={css.fact}>
            <span>Churned on</span>
            <strong>{day(a.churned_on)}</strong>
          </div>
        ) : null}
        <div className={css.fact}>
          <span>Segment{a.segment_since ? ` since ${day(a.segment_since)}` : ""}</span>
          <SegmentChip id={a.segment} />
          {a.segment_why ? <span className={css.why}>{a.segment_why}</span> : null}
        </div>
      </div>
      {a.stub ? (
        <p className={css.why}>Only the id of this account is known: events named it before any import did.</p>
      ) : null}
      {a.flags.length > 0 ? (
        <ul className={css.flags} aria-label="Data quality">
          {a.flags.map((f) => (
            <li key={f.code + f.message}>
              <Icon name="flag" /> <span>{f.message}</span>
            </li>
          ))}
        </ul>
      ) : null}
    </Panel>
  );
}
