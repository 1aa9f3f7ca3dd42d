import { Link } from "@tanstack/react-router";
import type { PreviewAnswer } from "@/api/types";
import { money, number, words } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty } from "@/shared/ui/State";
import css from "./segments.module.css";

/** Who would move from which segment to which. */
export function Moves({ answer, currency }: { answer: PreviewAnswer; currency: string | null }) {
  return (
    <div role="status">
      <div className={css.counts}>
        {Object.entries(answer.counts).map(([id, n]) => (
          <span key={id}>
            <SegmentChip id={id} label={words(id)} /> {number(answer.before[id] ?? 0, 0)} → {number(n, 0)}
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
