import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money } from "@/shared/format";
import { DataTable, Panel, type Col } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty } from "@/shared/ui/State";
import { AccountLink, Behind, Csv, Rows } from "./Common";
import { csvAddress, departuresQuery, type Departure, type DeparturesAsked } from "./queries";
import { reasonLabel } from "./rules";

function columns(open: (account: string) => void): Col<Departure>[] {
  return [
    { label: "Account", show: (r) => <AccountLink id={r.account_id} name={r.name} /> },
    { label: "Left", show: (r) => <span className="nowrap">{day(r.left_on)}</span> },
    { label: "Notice", show: (r) => <span className="nowrap">{r.notice_on ? day(r.notice_on) : "none"}</span> },
    { label: "Segment", show: (r) => <SegmentChip id={r.segment} /> },
    { label: "Owner", show: (r) => r.owner ?? <span className="dim">none</span> },
    { label: "MRR", num: true, show: (r) => money(r.mrr, r.currency) },
    {
      label: "Reason",
      show: (r) => (
        <span title={r.comment ?? undefined}>
          {reasonLabel(r.reason)}
          {r.secondary.length > 0 ? (
            <span className="dim small"> with {r.secondary.map(reasonLabel).join(", ")}</span>
          ) : null}
          {r.author ? <span className="dim small"> · {r.author}</span> : null}
        </span>
      ),
    },
    {
      label: "Record",
      show: (r) => (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => open(r.account_id)}
          aria-label={`Reason of ${r.name}`}
        >
          {r.reason ? "See" : "Give the reason"}
        </Button>
      ),
    },
  ];
}

/** The departures behind a figure. */
export function Departures({ asked, title, close }: { asked: DeparturesAsked; title: string; close: () => void }) {
  const navigate = useNavigate({ from: "/revenue" });
  const pages = useInfiniteQuery(departuresQuery(asked));
  const open = (account: string) => void navigate({ search: (s) => ({ ...s, account }) });
  return (
    <Behind title={title} csv={csvAddress("churn/accounts", asked)} total={pages.data?.pages[0]?.total} close={close}>
      <Rows of={pages} empty={<Empty title="Nobody left here" />}>
        {(rows) => (
          <DataTable caption={title} rows={rows} rowKey={(r) => `${r.account_id}/${r.left_on}`} cols={columns(open)} />
        )}
      </Rows>
    </Behind>
  );
}

/** Those who left without a reason on record: each needs one. */
export function Missing({ asked, count }: { asked: DeparturesAsked; count: number }) {
  const navigate = useNavigate({ from: "/revenue" });
  const query = { ...asked, missing: true, limit: 5 };
  const pages = useInfiniteQuery({ ...departuresQuery(query), enabled: count > 0 });
  if (count === 0) return null;
  const total = pages.data?.pages[0]?.total;
  if (total === 0) return null;
  return (
    <Panel
      title="Left without a reason"
      flush
      aside={
        <>
          <span className="dim">{total === undefined ? "" : `${total} still need one`}</span>
          <Csv href={csvAddress("churn/accounts", { ...asked, missing: true })} />
        </>
      }
    >
      <Rows of={pages} empty={<Empty title="Every departure has its reason" />}>
        {(rows) => (
          <DataTable
            caption="Left without a reason"
            rows={rows}
            rowKey={(r) => `${r.account_id}/${r.left_on}`}
            cols={columns((account) => void navigate({ search: (s) => ({ ...s, account }) }))}
          />
        )}
      </Rows>
    </Panel>
  );
}
