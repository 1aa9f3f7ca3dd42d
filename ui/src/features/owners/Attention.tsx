import { Button, SegmentedControl } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { AttentionLine } from "@/api/types";
import { day } from "@/shared/days";
import { money, number } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { ownerName } from "./names";
import css from "./owners.module.css";
import { attentionQuery, type View } from "./queries";
import { Reassign } from "./Reassign";

const VIEWS: { value: View; label: string; empty: string }[] = [
  { value: "unassigned", label: "Unassigned", empty: "Every active account has an owner" },
  { value: "not_managed", label: "Not actively managed", empty: "Every account was touched in time" },
  {
    value: "unserved",
    label: "Outside the owner’s segments",
    empty: "Every owner serves the segments of their accounts",
  },
];

/** Active accounts that nobody has, nobody touches in time, or whose owner does not serve their segment. */
export function Attention() {
  const search = useSearch({ from: "/owners" });
  const navigate = useNavigate({ from: "/owners" });
  const view = VIEWS.find((v) => v.value === search.view) ?? VIEWS[0];
  const pages = useInfiniteQuery(attentionQuery(view?.value ?? "unassigned"));
  const [giving, setGiving] = useState(false);
  const narrow = useMediaQuery("(max-width: 640px)") ?? false;
  if (!view) return null;
  return (
    <div className={css.stack}>
      <SegmentedControl
        aria-label="Which accounts"
        value={view.value}
        data={VIEWS.map((v) => ({ value: v.value, label: v.label }))}
        onChange={(v) => void navigate({ search: (s) => ({ ...s, view: v }), replace: true })}
        orientation={narrow ? "vertical" : "horizontal"}
        style={{ width: "fit-content", maxWidth: "100%" }}
      />
      <Loaded of={pages} lines={8}>
        {(data) => {
          const first = data.pages[0];
          const items = data.pages.flatMap((p) => p.items);
          if (first?.gap) return <Empty title="This cannot be said yet">{first.gap}</Empty>;
          if (items.length === 0) return <Empty title={view.empty} />;
          return (
            <Panel
              title={`${number(first?.total ?? 0, 0)} ${first?.total === 1 ? "account" : "accounts"}`}
              flush
              aside={
                <>
                  <Fresh at={first?.computed_at} />
                  <Button size="xs" onClick={() => setGiving(true)}>
                    Reassign {items.length === first?.total ? "all" : `the first ${number(items.length, 0)}`}
                  </Button>
                </>
              }
            >
              <AttentionTable items={items} currency={first?.currency ?? null} />
              {pages.hasNextPage ? (
                <div className={css.foot}>
                  <Button
                    size="xs"
                    variant="default"
                    loading={pages.isFetchingNextPage}
                    onClick={() => void pages.fetchNextPage()}
                  >
                    Load more
                  </Button>
                </div>
              ) : null}
              {giving ? (
                <Reassign
                  title={`Reassign ${number(items.length, 0)} accounts`}
                  what={{ accounts: items.map((i) => i.account_id) }}
                  currency={first?.currency ?? null}
                  close={() => setGiving(false)}
                />
              ) : null}
            </Panel>
          );
        }}
      </Loaded>
    </div>
  );
}

/** When an account renews; a day that no source says is marked. */
export const renewalText = (r: AttentionLine["renewal"]): string =>
  r ? `${r.estimated ? "about " : ""}${day(r.on)}` : "–";

/** Accounts with their last touch and renewal. */
export function AttentionTable({ items, currency }: { items: AttentionLine[]; currency: string | null }) {
  return (
    <DataTable
      caption="Accounts"
      rows={items}
      rowKey={(i) => i.account_id}
      cols={[
        {
          label: "Account",
          show: (i) => (
            <Link to="/accounts/$id" params={{ id: i.account_id }}>
              {i.name}
            </Link>
          ),
        },
        { label: "Segment", show: (i) => <SegmentChip id={i.segment || null} /> },
        { label: "Owner", show: (i) => ownerName(i.owner) },
        { label: "MRR", num: true, show: (i) => money(i.mrr, currency) },
        {
          label: "Last touch",
          num: true,
          show: (i) =>
            i.cadence === null
              ? "in time"
              : `${i.days_since_touch === null ? "never" : `${number(i.days_since_touch, 0)} days ago`}; at most ${i.cadence}`,
        },
        { label: "Renews", num: true, show: (i) => renewalText(i.renewal) },
      ]}
    />
  );
}
