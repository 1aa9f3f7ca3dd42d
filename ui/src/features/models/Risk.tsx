import { Button, SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money, number, percent } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import css from "./models.module.css";
import { outcomesQuery, riskQuery, type Risk as Answer } from "./queries";
import { odds } from "./rules";

/** Accounts by what they may cost. */
export function Risk() {
  const { outcome = "churn", sort = "mrr", limit = 50 } = useSearch({ from: "/risk" });
  const navigate = useNavigate({ from: "/risk" });
  const outcomes = useQuery(outcomesQuery);
  const answer = useQuery(riskQuery({ outcome, sort, limit }));
  return (
    <>
      <PageHead
        title="Risk"
        sub="Active accounts by expected MRR at risk: the probability of the outcome times what they pay."
      >
        <Select
          size="xs"
          aria-label="Outcome"
          value={outcome}
          allowDeselect={false}
          onChange={(v) =>
            void navigate({ search: (s) => ({ ...s, outcome: v === "churn" ? undefined : (v ?? undefined) }) })
          }
          data={(outcomes.data?.items ?? []).map((o) => ({ value: o.id, label: o.label }))}
        />
        <SegmentedControl
          size="xs"
          aria-label="Order"
          value={sort}
          onChange={(v) => void navigate({ search: (s) => ({ ...s, sort: v === "mrr" ? undefined : v }) })}
          data={[
            { value: "mrr", label: "By MRR" },
            { value: "probability", label: "By probability" },
          ]}
        />
        <Button component={Link} to="/accuracy" size="xs" variant="default">
          How accurate is this?
        </Button>
      </PageHead>
      <Loaded of={answer} lines={12}>
        {(data) => (
          <div className={css.page}>
            <Stand data={data} />
            <Panel title={`${number(data.total, 0)} accounts`} flush>
              {data.items.length === 0 ? (
                <Empty title="No probabilities yet">
                  There is no model of this outcome yet, so nothing is said of any account.{" "}
                  <Link to="/accuracy">Train one under Accuracy</Link>.
                </Empty>
              ) : (
                <Lines data={data} />
              )}
              {data.items.length < data.total ? (
                <Button
                  m="sm"
                  size="xs"
                  variant="default"
                  onClick={() => void navigate({ search: (s) => ({ ...s, limit: Math.min(500, limit + 100) }) })}
                >
                  Show more
                </Button>
              ) : null}
            </Panel>
          </div>
        )}
      </Loaded>
    </>
  );
}

function Stand({ data }: { data: Answer }) {
  if (!data.model_id) return null;
  return (
    <div className={css.stand}>
      <span>
        <strong>{money(data.mrr_at_risk, data.currency)}</strong> of {money(data.mrr, data.currency)} MRR at risk within{" "}
        {data.horizon_days} days · {data.proven ? "proven" : <span title={data.reason}>not proven: {data.reason}</span>}
        {data.in_force ? null : " · the model is not in force"}
      </span>
      <span className="dim">
        {day(data.as_of, "long")} · <Fresh at={data.computed_at} />
      </span>
    </div>
  );
}

function Lines({ data }: { data: Answer }) {
  return (
    <DataTable
      caption="Accounts at risk"
      rows={data.items}
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
        { label: "Owner", show: (r) => r.owner ?? <span className="dim">none</span> },
        { label: "MRR at risk", num: true, show: (r) => money(r.mrr_at_risk, data.currency) },
        { label: "MRR", num: true, show: (r) => money(r.mrr, data.currency) },
        ...(data.items[0]?.within ?? []).map(({ days }) => ({
          label: `${days} days`,
          num: true,
          show: (r: Answer["items"][number]) => percent(r.within.find((w) => w.days === days)?.probability),
        })),
        {
          label: "Why",
          show: (r) =>
            r.reasons
              .filter((reason) => reason.odds > 1)
              .slice(0, 3)
              .map(
                (reason) =>
                  `${reason.label}${reason.value === null ? "" : ` ${number(reason.value)}`} (${odds(reason.odds)})`,
              )
              .join(" · ") || <span className="dim">nothing stands out</span>,
        },
      ]}
    />
  );
}
