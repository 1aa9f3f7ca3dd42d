import { Button, Tabs } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { OwnerLine } from "@/api/types";
import { instant } from "@/shared/days";
import { money, number, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Views } from "@/features/views/Views";
import { Attention } from "./Attention";
import { Handovers } from "./Handovers";
import { KpiByOwner } from "./KpiByOwner";
import css from "./owners.module.css";
import { ownersQuery, reassignmentsQuery } from "./queries";
import { Undo } from "./Reassign";
import { Rules } from "./Rules";

const TABS = [
  ["books", "Books"],
  ["attention", "Nobody looks after"],
  ["handovers", "Hand-overs"],
  ["rules", "Rules and pools"],
  ["changes", "Changes"],
] as const;

/** Who looks after whom, who should, and what changed. */
export function Owners() {
  const search = useSearch({ from: "/owners" });
  const { tab = "books" } = search;
  const navigate = useNavigate({ from: "/owners" });
  return (
    <>
      <PageHead title="Owners" sub="Who looks after which accounts, and who nobody looks after.">
        <Views page="owners" search={search} />
      </PageHead>
      <Tabs
        value={tab}
        onChange={(t) => void navigate({ search: (s) => ({ as_of: s.as_of, tab: t ?? undefined }) })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {TABS.map(([id, label]) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="books">
          <Books />
        </Tabs.Panel>
        <Tabs.Panel value="attention">
          <Attention />
        </Tabs.Panel>
        <Tabs.Panel value="handovers">
          <Handovers />
        </Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules />
        </Tabs.Panel>
        <Tabs.Panel value="changes">
          <Changes />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Books() {
  const owners = useQuery(ownersQuery);
  return (
    <Loaded of={owners} lines={8}>
      {(data) => (
        <div className={css.stack}>
          <Panel title="Books of business" flush aside={<Fresh at={data.computed_at} />}>
            <DataTable<OwnerLine>
              caption="Owners"
              rows={data.owners}
              rowKey={(o) => o.owner}
              cols={[
                {
                  label: "Owner",
                  show: (o) => (
                    <>
                      <Link to="/owners/$owner" params={{ owner: o.owner }}>
                        {o.name}
                      </Link>
                      <span className="dim small">
                        {o.kind === "pool" ? " pool" : o.kind === "person" ? " not a user" : ""}
                        {o.away ? " · away" : ""}
                      </span>
                    </>
                  ),
                },
                {
                  label: "Accounts",
                  num: true,
                  show: (o) => (
                    <Link to="/accounts" search={{ owner: o.owner }}>
                      {number(o.accounts, 0)}
                      {o.capacity === null ? "" : ` of ${number(o.capacity, 0)}`}
                    </Link>
                  ),
                },
                { label: "MRR", num: true, show: (o) => money(o.mrr, data.currency) },
                {
                  label: "Segments",
                  show: (o) =>
                    Object.entries(o.segments)
                      .map(([s, n]) => `${words(s)} ${number(n, 0)}`)
                      .join(", ") || "–",
                },
                {
                  label: "Renewals, 90 days",
                  num: true,
                  show: (o) =>
                    o.renewals === 0
                      ? "–"
                      : `${o.renewals_estimated > 0 ? "about " : ""}${number(o.renewals, 0)} · ${money(o.renewals_mrr, data.currency)}`,
                },
                {
                  label: "Not actively managed",
                  num: true,
                  show: (o) => (o.not_managed === null ? "no data" : number(o.not_managed, 0)),
                },
                { label: "Open hand-overs", num: true, show: (o) => number(o.handovers, 0) },
              ]}
            />
          </Panel>
          {data.cadence_gap ? <p className="dim">{data.cadence_gap}</p> : null}
          <KpiByOwner names={new Map(data.owners.map((o) => [o.owner, o.name]))} asOf={data.as_of} />
        </div>
      )}
    </Loaded>
  );
}

function Changes() {
  const pages = useInfiniteQuery(reassignmentsQuery);
  return (
    <Loaded of={pages} lines={6}>
      {(data) => {
        const items = data.pages.flatMap((p) => p.items);
        if (items.length === 0)
          return <Empty title="Nobody has been reassigned yet">What is reassigned here can be taken back here.</Empty>;
        return (
          <Panel title="Reassignments" flush>
            <DataTable
              caption="Reassignments"
              rows={items}
              rowKey={(r) => r.id ?? ""}
              cols={[
                { label: "When", show: (r) => instant(r.at) },
                { label: "How", show: (r) => words(r.cause) },
                { label: "Reason", show: (r) => r.reason || "–" },
                { label: "By", show: (r) => (r.actor === "rules" ? "Rules" : <code>{r.actor}</code>) },
                { label: "Accounts", num: true, show: (r) => number(r.accounts, 0) },
                {
                  label: "Take back",
                  show: (r) =>
                    r.undone_by ? (
                      <span className="dim">taken back</span>
                    ) : r.id && r.cause !== "undo" ? (
                      <Undo id={r.id} />
                    ) : (
                      "–"
                    ),
                },
              ]}
            />
            {pages.hasNextPage ? (
              <div className={css.foot}>
                <Button
                  size="xs"
                  variant="default"
                  loading={pages.isFetchingNextPage}
                  onClick={() => void pages.fetchNextPage()}
                >
                  Load older
                </Button>
              </div>
            ) : null}
          </Panel>
        );
      }}
    </Loaded>
  );
}
