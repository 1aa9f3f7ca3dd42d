import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { money, number } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { doubtfulQuery, overlapsQuery } from "./queries";
import css from "./segments.module.css";

/** Accounts that several rules claim: the order of the rules decides about them. */
export function Overlaps({ currency }: { currency: string }) {
  const answer = useQuery(overlapsQuery);
  return (
    <Loaded of={answer} lines={5}>
      {(data) => (
        <Panel
          title="Accounts that several rules claim"
          flush
          aside={
            <span className="dim">
              {number(data.clear, 0)} of {number(data.total, 0)} are claimed once or never
            </span>
          }
        >
          {data.overlaps.length === 0 ? (
            <Empty title="No account is claimed twice">
              {data.catch_all.length > 0
                ? `${data.catch_all.join(", ")} takes whatever is left, and is not counted.`
                : "Every rule stands apart from the others."}
            </Empty>
          ) : (
            <DataTable
              caption="Overlaps"
              rows={data.overlaps}
              rowKey={(o) => o.segments.join()}
              cols={[
                { label: "Has them", show: (o) => <SegmentChip id={o.segments[0] ?? null} /> },
                {
                  label: "Also claim them",
                  show: (o) => (
                    <span className={css.counts}>
                      {o.segments.slice(1).map((s) => (
                        <SegmentChip key={s} id={s} />
                      ))}
                    </span>
                  ),
                },
                { label: "Accounts", num: true, show: (o) => number(o.accounts, 0) },
                { label: "MRR", num: true, show: (o) => money(o.mrr, currency) },
                {
                  label: "For example",
                  show: (o) =>
                    o.sample.slice(0, 4).map((a, i) => (
                      <span key={a.account_id}>
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
        </Panel>
      )}
    </Loaded>
  );
}

/** Who is in no segment, or only for want of a field, and why. */
export function Doubtful({ currency }: { currency: string }) {
  const [kind, setKind] = useState<"unclassified" | "undecided">("unclassified");
  const answer = useQuery(doubtfulQuery(kind));
  return (
    <Panel
      title={kind === "unclassified" ? "In no segment" : "Could be elsewhere"}
      flush
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Which accounts"
          value={kind}
          onChange={(v) => setKind(v as typeof kind)}
          data={[
            { value: "unclassified", label: "In no segment" },
            { value: "undecided", label: "A field is missing" },
          ]}
        />
      }
    >
      <Loaded of={answer} lines={5}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title={kind === "unclassified" ? "Every active account is in a segment" : "Every segment is sure"} />
          ) : (
            <>
              <DataTable
                caption={kind === "unclassified" ? "Unclassified accounts" : "Undecided accounts"}
                rows={data.items}
                rowKey={(a) => a.account_id}
                cols={[
                  {
                    label: "Account",
                    show: (a) => (
                      <Link to="/accounts/$id" params={{ id: a.account_id }}>
                        {a.name}
                      </Link>
                    ),
                  },
                  { label: "Segment", show: (a) => <SegmentChip id={a.segment} /> },
                  { label: "MRR", num: true, show: (a) => money(a.mrr, currency) },
                  { label: "Owner", show: (a) => a.owner ?? "–" },
                  { label: "Why", show: (a) => a.why.map((w) => <div key={w}>{w}</div>) },
                ]}
              />
              {data.total > data.items.length ? (
                <p className={css.more}>
                  The first {number(data.items.length, 0)} of {number(data.total, 0)}, greatest MRR first.
                </p>
              ) : null}
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}
