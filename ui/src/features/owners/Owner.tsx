import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { ApiProblem } from "@/api/problem";
import { money, number, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { AttentionTable } from "./Attention";
import { HandoverList } from "./Handovers";
import { ownerName } from "./names";
import css from "./owners.module.css";
import { ownerBookQuery } from "./queries";
import { Reassign } from "./Reassign";

/** One owner's book of business. */
export function OwnerPage() {
  const { owner } = useParams({ from: "/owners/$owner" });
  const book = useQuery(ownerBookQuery(owner));
  const [giving, setGiving] = useState(false);
  if (book.error instanceof ApiProblem && book.error.status === 404)
    return (
      <>
        <PageHead title={ownerName(owner)} />
        <Empty title="Nobody is known by this name">
          <Link to="/owners">All owners</Link>
        </Empty>
      </>
    );
  return (
    <>
      <Link to="/owners">All owners</Link>
      <PageHead
        title={book.data?.line.name ?? ownerName(owner)}
        sub={
          <>
            <span className="mono">{owner}</span>
            {book.data ? (
              <>
                {" · "}
                <Fresh at={book.data.computed_at} />
              </>
            ) : null}
          </>
        }
      >
        {book.data && book.data.line.accounts > 0 ? (
          <Button variant="default" onClick={() => setGiving(true)}>
            Reassign all
          </Button>
        ) : null}
      </PageHead>
      <Loaded of={book} lines={10}>
        {(b) => (
          <div className={css.stack}>
            <Panel title="Book of business">
              <div className={css.figures}>
                <div>
                  <span>Active accounts</span>
                  <strong>
                    <Link to="/accounts" search={{ owner }}>
                      {number(b.line.accounts, 0)}
                    </Link>
                  </strong>
                </div>
                <div>
                  <span>MRR</span>
                  <strong>{money(b.line.mrr, b.currency)}</strong>
                </div>
                <div>
                  <span>Renewals in 90 days</span>
                  <strong>
                    {number(b.line.renewals, 0)} · {money(b.line.renewals_mrr, b.currency)}
                  </strong>
                </div>
                <div>
                  <span>Not actively managed</span>
                  <strong>{b.line.not_managed === null ? "no data" : number(b.line.not_managed, 0)}</strong>
                </div>
                <div>
                  <span>Segments</span>
                  <strong>
                    {Object.entries(b.line.segments)
                      .map(([s, n]) => `${words(s)} ${number(n, 0)}`)
                      .join(", ") || "–"}
                  </strong>
                </div>
                {b.members.length > 0 ? (
                  <div>
                    <span>Members</span>
                    <span>{b.members.join(", ")}</span>
                  </div>
                ) : null}
              </div>
            </Panel>
            {b.cadence_gap ? <p className="dim">{b.cadence_gap}</p> : null}
            <div className={css.two}>
              <Panel title="Renewals coming" flush>
                {b.renewals.length === 0 ? (
                  <p className={`dim ${css.foot}`}>None within 90 days.</p>
                ) : (
                  <AttentionTable items={b.renewals} currency={b.currency} />
                )}
              </Panel>
              <Panel title="Not actively managed" flush>
                {b.not_managed.length === 0 ? (
                  <p className={`dim ${css.foot}`}>Every account was touched in time.</p>
                ) : (
                  <AttentionTable items={b.not_managed} currency={b.currency} />
                )}
              </Panel>
            </div>
            <h2>Open hand-overs</h2>
            {b.handovers.length === 0 ? <p className="dim">None.</p> : <HandoverList items={b.handovers} />}
            {giving ? (
              <Reassign
                title={`Reassign all active accounts of ${b.line.name}`}
                what={{ owner }}
                currency={b.currency}
                close={() => setGiving(false)}
              />
            ) : null}
          </div>
        )}
      </Loaded>
    </>
  );
}
