import { useInfiniteQuery } from "@tanstack/react-query";
import { money } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty } from "@/shared/ui/State";
import { AccountLink, Behind, Rows } from "./Common";
import { bridgeAccountsQuery, csvAddress, type BridgeAccountsAsked } from "./queries";
import { signed, stepLabel } from "./rules";

/** The accounts behind a bridge, a step of it, or a part. */
export function BridgeAccounts({
  asked,
  title,
  close,
}: {
  asked: BridgeAccountsAsked;
  title: string;
  close: () => void;
}) {
  const pages = useInfiniteQuery(bridgeAccountsQuery(asked));
  return (
    <Behind title={title} csv={csvAddress("bridge/accounts", asked)} total={pages.data?.pages[0]?.total} close={close}>
      <Rows of={pages} empty={<Empty title="No account is in this step" />}>
        {(rows) => (
          <DataTable
            caption={title}
            rows={rows}
            rowKey={(r) => r.account_id}
            cols={[
              { label: "Account", show: (r) => <AccountLink id={r.account_id} name={r.name} /> },
              { label: "Segment", show: (r) => <SegmentChip id={r.segment} /> },
              { label: "Owner", show: (r) => r.owner ?? <span className="dim">none</span> },
              { label: "Step", show: (r) => stepLabel(r.step) },
              { label: "At the start", num: true, show: (r) => money(r.mrr_start, r.currency) },
              { label: "At the end", num: true, show: (r) => money(r.mrr_end, r.currency) },
              { label: "Change", num: true, show: (r) => <strong>{signed(r.change, r.currency)}</strong> },
            ]}
          />
        )}
      </Rows>
    </Behind>
  );
}
