import { Button, Drawer, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Side } from "@/api/types";
import { day } from "@/shared/days";
import { figure, money, number } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import css from "./dashboards.module.css";
import { chosenAccountsQuery, pointAccountsQuery } from "./queries";
import type { Behind } from "./rules";

/** Accounts that a list of ids may name, so that the condition stays within its limits. */
const MOST_IDS = 400;

type Props = { title: string; of: Behind; asOf: string | undefined; close: () => void };

/** The accounts behind a point: a list that can be opened as a view of Accounts or kept as a rule. */
export default function Drill({ title, of, asOf, close }: Props) {
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(720px, 100vw)"
      title={<strong>{title}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {of.kind === "kpi" ? <Parts of={of} /> : <Chosen of={of} asOf={asOf} />}
    </Drawer>
  );
}

const SIDES: { value: Side; label: string }[] = [
  { value: "numerator", label: "In the numerator" },
  { value: "rest", label: "Only in the denominator" },
  { value: "denominator", label: "All that count" },
];

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function Parts({ of }: { of: Extract<Behind, { kind: "kpi" }> }) {
  const navigate = useNavigate();
  const [side, setSide] = useState<Side>("numerator");
  const { kpi, as_of, by, scope, segment, owner } = of;
  const point = { kpi, as_of, by, scope, segment, owner };
  const pages = useInfiniteQuery(pointAccountsQuery(point, side));
  const total = pages.data?.pages[0]?.total ?? 0;
  const view = useMutation({
    mutationFn: async () => {
      const { kpi: id, ...query } = point;
      const all = await take(
        api.GET("/api/v1/kpis/{id}/accounts", { params: { path: { id }, query: { ...query, side, limit: 500 } } }),
      );
      const ids = all.items.filter((i) => i.account_id).map((i) => quoted(i.account_id));
      await navigate({ to: "/accounts", search: { filter: `account_id IN (${ids.join(", ")})`, active: "any" } });
    },
  });
  const show = (v: number) => (of.unit === "money" ? figure(v, "money") : number(v, 2));
  return (
    <div className={css.drill}>
      <p className="dim">As of {day(as_of, "long")}</p>
      <div className={css.drillTop}>
        <SegmentedControl
          size="xs"
          aria-label="Side"
          value={side}
          onChange={(v) => setSide(SIDES.find((s) => s.value === v)?.value ?? "numerator")}
          data={SIDES}
        />
        {pages.data ? <span className="dim">{number(total, 0)} accounts</span> : null}
        <span className={css.grow} />
        <Button
          size="xs"
          variant="default"
          disabled={total === 0 || total > MOST_IDS}
          title={total > MOST_IDS ? `A view can name at most ${MOST_IDS} accounts one by one` : undefined}
          loading={view.isPending}
          onClick={() => view.mutate()}
        >
          Open in Accounts
        </Button>
      </div>
      {view.error ? <Problem inline error={view.error} /> : null}
      <Loaded of={pages} lines={6}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          if (rows.length === 0) return <Empty title="No account is here" />;
          return (
            <>
              <DataTable
                caption="Accounts behind it"
                rows={rows}
                rowKey={(r) => r.account_id}
                cols={[
                  {
                    label: "Account",
                    show: (r) =>
                      r.account_id ? (
                        <Link to="/accounts/$id" params={{ id: r.account_id }}>
                          {r.name}
                        </Link>
                      ) : (
                        r.name
                      ),
                  },
                  { label: "Segment", show: (r) => <SegmentChip id={r.segment || null} /> },
                  { label: "Numerator", num: true, show: (r) => show(r.numerator) },
                  { label: "Denominator", num: true, show: (r) => show(r.denominator) },
                ]}
              />
              <More of={pages} />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function Chosen({ of, asOf }: { of: Extract<Behind, { kind: "filter" }>; asOf: string | undefined }) {
  const pages = useInfiniteQuery(chosenAccountsQuery(of.filter, asOf, of.active));
  const [copied, setCopied] = useState(false);
  const total = pages.data?.pages[0]?.total ?? 0;
  return (
    <div className={css.drill}>
      <code className={css.condition}>{of.filter}</code>
      <div className={css.drillTop}>
        {pages.data ? <span className="dim">{number(total, 0)} accounts</span> : null}
        <span className={css.grow} />
        <Button
          size="xs"
          variant="default"
          onClick={() => void navigator.clipboard.writeText(of.filter).then(() => setCopied(true))}
        >
          {copied ? "Copied" : "Copy as a rule"}
        </Button>
        <Button
          size="xs"
          variant="default"
          renderRoot={(props) => <Link to="/accounts" search={{ filter: of.filter, active: of.active }} {...props} />}
        >
          Open in Accounts
        </Button>
      </div>
      <Loaded of={pages} lines={6}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          if (rows.length === 0) return <Empty title="No account is here" />;
          return (
            <>
              <DataTable
                caption="Accounts behind it"
                rows={rows}
                rowKey={(r) => r.account_id}
                cols={[
                  {
                    label: "Account",
                    show: (r) => (
                      <Link to="/accounts/$id" params={{ id: r.account_id }}>
                        {r.name}
                      </Link>
                    ),
                  },
                  { label: "Segment", show: (r) => <SegmentChip id={r.segment} /> },
                  { label: "Owner", show: (r) => r.owner ?? "–" },
                  { label: "MRR", num: true, show: (r) => money(r.mrr, r.currency ?? data.pages[0]?.currency_default) },
                ]}
              />
              <More of={pages} />
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function More({ of }: { of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }) {
  return of.hasNextPage ? (
    <Button mt="sm" size="xs" variant="default" loading={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
      Show more
    </Button>
  ) : null;
}
