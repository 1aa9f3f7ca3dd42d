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
import { chosenFile, DrillTools, pointFile, Split } from "./DrillTools";
import { chosenAccountsQuery, pointAccountsQuery } from "./queries";
import { MOST_IDS, named, type Behind } from "./rules";

type Props = { title: string; of: Behind; asOf: string | undefined; currency: string; close: () => void };

/** The accounts behind a point: a list that can be opened as a view of Accounts or kept as a rule. */
export default function Drill({ title, of, asOf, currency, close }: Props) {
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(720px, 100vw)"
      title={<strong>{title}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {of.kind === "kpi" ? (
        <Parts of={of} title={title} currency={currency} />
      ) : (
        <Chosen of={of} asOf={asOf} title={title} />
      )}
    </Drawer>
  );
}

const SIDES: { value: Side; label: string }[] = [
  { value: "numerator", label: "In the numerator" },
  { value: "rest", label: "Only in the denominator" },
  { value: "denominator", label: "All that count" },
];

function Parts({ of, title, currency }: { of: Extract<Behind, { kind: "kpi" }>; title: string; currency: string }) {
  const navigate = useNavigate();
  const [side, setSide] = useState<Side>("numerator");
  const [part, setPart] = useState<{ by: string; scope: string } | null>(null);
  const { kpi, as_of, segment, owner } = of;
  const whole = { kpi, as_of, by: of.by, scope: of.scope, segment, owner };
  const point = part ? { ...whole, ...part } : whole;
  const pages = useInfiniteQuery(pointAccountsQuery(point, side));
  const total = pages.data?.pages[0]?.total ?? 0;
  const ids = async () => {
    const { kpi: id, ...query } = point;
    const all = await take(
      api.GET("/api/v1/kpis/{id}/accounts", { params: { path: { id }, query: { ...query, side, limit: 500 } } }),
    );
    return all.items.filter((i) => i.account_id).map((i) => i.account_id);
  };
  const view = useMutation({
    mutationFn: async () => navigate({ to: "/accounts", search: { filter: named(await ids()), active: "any" } }),
  });
  const show = (v: number) => (of.unit === "money" ? figure(v, "money") : number(v, 2));
  return (
    <div className={css.drill}>
      <p className="dim">
        As of {day(as_of, "long")}
        {part ? (
          <>
            {" "}
            · only {part.scope || "none"}{" "}
            <button type="button" className={css.link} onClick={() => setPart(null)}>
              <u>show all again</u>
            </button>
          </>
        ) : null}
      </p>
      {of.by && of.by !== "segment" ? null : (
        <Split point={whole} currency={currency} open={(by, scope) => setPart({ by, scope })} />
      )}
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
        <DrillTools title={title} total={total} condition={null} ids={ids} file={pointFile(point, side)} />
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

type ChosenProps = { of: Extract<Behind, { kind: "filter" }>; asOf: string | undefined; title: string };

function Chosen({ of, asOf, title }: ChosenProps) {
  const pages = useInfiniteQuery(chosenAccountsQuery(of.filter, asOf, of.active));
  const [copied, setCopied] = useState(false);
  const total = pages.data?.pages[0]?.total ?? 0;
  const ids = async () => {
    const all = await take(
      api.GET("/api/v1/accounts", {
        params: { query: { filter: of.filter, as_of: asOf, active: of.active, limit: 500 } },
      }),
    );
    return all.items.map((i) => i.account_id);
  };
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
        <DrillTools
          title={title}
          total={total}
          condition={of.filter}
          ids={ids}
          file={chosenFile(of.filter, asOf, of.active)}
        />
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
