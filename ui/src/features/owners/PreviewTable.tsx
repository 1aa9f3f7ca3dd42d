import { Link } from "@tanstack/react-router";
import type { ReassignmentPreview } from "@/api/types";
import { money, number } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { ownerName } from "./names";
import css from "./owners.module.css";

/** What a reassignment would do, before it is done. */
export function PreviewTable({ preview: p, currency }: { preview: ReassignmentPreview; currency: string | null }) {
  return (
    <div className={css.preview}>
      <p role="status">
        <strong>
          {number(p.moved, 0)} {p.moved === 1 ? "account changes" : "accounts change"} hands
        </strong>
        {p.kept > 0 ? `, ${number(p.kept, 0)} stay where they are` : ""}
        {p.left > 0 ? `, ${number(p.left, 0)} are given to nobody` : ""}.
      </p>
      {p.loads.length > 0 ? (
        <DataTable
          caption="Books before and after"
          rows={p.loads}
          rowKey={(l) => l.owner}
          cols={[
            { label: "Owner", show: (l) => ownerName(l.owner) },
            {
              label: "Accounts",
              num: true,
              show: (l) => `${number(l.accounts_before, 0)} → ${number(l.accounts_after, 0)}`,
            },
            {
              label: "MRR",
              num: true,
              show: (l) => `${money(l.mrr_before, currency)} → ${money(l.mrr_after, currency)}`,
            },
          ]}
        />
      ) : null}
      {p.moves.length > 0 ? (
        <div className={css.scroll}>
          <DataTable
            caption="Accounts that change hands"
            rows={p.moves}
            rowKey={(m) => m.account_id}
            cols={[
              {
                label: "Account",
                show: (m) => (
                  <Link to="/accounts/$id" params={{ id: m.account_id }}>
                    {m.name}
                  </Link>
                ),
              },
              { label: "Segment", show: (m) => <SegmentChip id={m.segment || null} /> },
              { label: "MRR", num: true, show: (m) => money(m.mrr, currency) },
              { label: "From", show: (m) => ownerName(m.from) },
              { label: "To", show: (m) => ownerName(m.to) },
              ...(p.moves.some((m) => m.rule)
                ? [{ label: "Rule", show: (m: ReassignmentPreview["moves"][number]) => m.rule ?? "–" }]
                : []),
            ]}
          />
        </div>
      ) : null}
      {p.left_accounts.length > 0 ? (
        <details>
          <summary>{number(p.left, 0)} given to nobody, and why</summary>
          <ul className={css.reasons}>
            {p.left_accounts.map((l) => (
              <li key={l.account_id}>
                {l.name}: <span className="dim">{l.reason}</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}
