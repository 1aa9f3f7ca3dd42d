import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ApiProblem } from "@/api/problem";
import type { Profile } from "@/api/types";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { money, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { HandoverList } from "@/features/owners/Handovers";
import { Notes } from "@/features/notes/Notes";
import { AccountHealth } from "@/features/scores/AccountHealth";
import { Attributes, History, Subscriptions } from "./AccountPanels";
import { AsOfSlider } from "./AsOfSlider";
import css from "./accounts.module.css";
import { Metrics } from "./Metrics";
import { People, Ownership, Tickets } from "./Profile";
import { profileQuery } from "./queries";
import { Timeline } from "./Timeline";

/** One account: what it is, how it is measured, and what happened. */
export function AccountPage() {
  const { id } = useParams({ from: "/accounts/$id" });
  const { asOf } = useAsOf();
  const account = useQuery(profileQuery(id, asOf));
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
          {(p) => <Body profile={p} asOf={asOf} />}
        </Loaded>
      )}
    </>
  );
}

function Body({ profile: p, asOf }: { profile: Profile; asOf: string | undefined }) {
  const a = p.account;
  const past = asOf !== undefined && asOf !== p.today;
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
          <Facts p={p} asOf={asOf} />
        </section>
        <div className={css.wide}>
          <AsOfSlider first={p.first_day} today={p.today} />
          {p.handovers.some((h) => h.closed_at === null) ? (
            <HandoverList items={p.handovers.filter((h) => h.closed_at === null)} named={false} />
          ) : null}
        </div>
        <div>
          <AccountHealth account={a.account_id} asOf={asOf} past={past} />
          <Panel title="Metrics" flush aside={<Fresh at={a.computed_at} />}>
            <Metrics metrics={a.metrics} currency={a.currency} history={p.history} />
          </Panel>
          <Attributes a={a} />
          <Subscriptions a={a} />
          <Ownership p={p} past={past} />
          <History a={a} />
        </div>
        <div>
          <Notes account={a.account_id} notes={p.notes} past={past} />
          <People p={p} />
          <Tickets tickets={p.tickets} />
          <Timeline profile={p} asOf={asOf} />
        </div>
      </div>
    </>
  );
}

function Facts({ p, asOf }: { p: Profile; asOf: string | undefined }) {
  const a = p.account;
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
          <strong>
            {a.owner ? (
              <Link to="/owners/$owner" params={{ owner: a.owner }}>
                {p.owner_name ?? a.owner}
              </Link>
            ) : (
              "No owner"
            )}
          </strong>
        </div>
        <div className={css.fact}>
          <span>Customer since</span>
          <strong>{day(a.started_on)}</strong>
        </div>
        {p.stage ? (
          <div className={css.fact}>
            <span>Lifecycle stage since {day(p.stage.since)}</span>
            <strong>{words(p.stage.stage)}</strong>
          </div>
        ) : null}
        {p.renewal ? (
          <div className={css.fact}>
            <span>{p.renewal.estimated ? "Renews about (counted from the start)" : "Renews on"}</span>
            <strong>{day(p.renewal.on)}</strong>
          </div>
        ) : null}
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
