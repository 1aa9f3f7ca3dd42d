import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money, number, percent, words } from "@/shared/format";
import { DataTable, Panel, type Col } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { AccountLink, Fact, Pick, Stand } from "./Common";
import { csvAddress, savesQuery, type Save, type SavesAnswer } from "./queries";
import { useWho } from "./Revenue";
import css from "./revenue.module.css";
import { amounts, reasonLabel } from "./rules";

const BY = [
  { value: "owner", label: "Owner" },
  { value: "reason", label: "Reason" },
  { value: "segment", label: "Segment" },
  { value: "intervention", label: "What was done" },
  { value: "author", label: "Saved by" },
];
const OUTCOMES = [
  { value: "any", label: "All" },
  { value: "open", label: "Open" },
  { value: "retained", label: "Retained" },
  { value: "lost", label: "Lost" },
];
const LENGTHS = [
  { value: "6", label: "6 months" },
  { value: "12", label: "12 months" },
  { value: "24", label: "24 months" },
];
const OUTCOME: Record<Save["outcome"], string> = { open: "Open", retained: "Retained", lost: "Lost" };

/** Notices, what was done about them, and what became of them. */
export function Saves() {
  const { by = "owner", outcome, months = "12", value } = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  const who = useWho();
  const query = { ...who, by, value, months: Number(months), outcome: outcome === "any" ? undefined : outcome };
  const pages = useInfiniteQuery(savesQuery(query));
  const open = (account: string) => void navigate({ search: (s) => ({ ...s, account }) });
  return (
    <Loaded of={pages} lines={12}>
      {({ pages: all }) => {
        const data = all[0];
        if (!data) return null;
        const rows = all.flatMap((p) => p.items);
        return (
          <div className={css.page}>
            <Stand asOf={data.as_of} computedAt={data.computed_at} csv={csvAddress("saves", query)} />
            <div className={css.controls}>
              <Pick name="months" label="Length" options={LENGTHS} otherwise="12" />
              <Pick name="outcome" label="Outcome" options={OUTCOMES} otherwise="any" />
            </div>
            <Totals data={data} />
            <Groups data={data} />
            <Panel
              title={`${number(data.total, 0)} notices${value === undefined ? "" : ` of ${by === "reason" ? reasonLabel(value) : value}`}`}
              flush
              aside={
                value === undefined ? null : (
                  <button
                    type="button"
                    className={css.link}
                    onClick={() => void navigate({ search: (s) => ({ ...s, value: undefined }) })}
                  >
                    All
                  </button>
                )
              }
            >
              {rows.length === 0 ? (
                <Empty title="No notice here">Notices come from billing or are recorded on an account.</Empty>
              ) : (
                <DataTable
                  caption="Notices"
                  rows={rows}
                  rowKey={(r) => `${r.account_id}/${r.notice_on}`}
                  cols={columns(open)}
                />
              )}
              {pages.hasNextPage ? (
                <Button
                  m="sm"
                  size="xs"
                  variant="default"
                  loading={pages.isFetchingNextPage}
                  onClick={() => void pages.fetchNextPage()}
                >
                  Show more
                </Button>
              ) : null}
            </Panel>
          </div>
        );
      }}
    </Loaded>
  );
}

function Totals({ data: { all } }: { data: SavesAnswer }) {
  return (
    <div className={css.facts}>
      <Fact
        label="Proactive saves"
        value={percent(all.rate)}
        note={`${number(all.proactive, 0)} of ${number(all.settled, 0)} whose 90 days have passed`}
      />
      <Fact label="Retained" value={number(all.retained, 0)} note={`${amounts(all.mrr_saved)} MRR saved`} />
      <Fact label="Lost" value={number(all.lost, 0)} note={`${amounts(all.mrr_lost)} MRR`} />
      <Fact label="Open" value={number(all.open, 0)} note={`${amounts(all.mrr_open)} MRR at stake`} />
    </div>
  );
}

function Groups({ data }: { data: SavesAnswer }) {
  const navigate = useNavigate({ from: "/revenue" });
  const name = (value: string) =>
    data.by === "segment" ? (
      <SegmentChip id={value} />
    ) : data.by === "reason" ? (
      reasonLabel(value === "(none)" ? null : value)
    ) : data.by === "intervention" ? (
      value === "(none)" ? (
        "Nothing"
      ) : (
        words(value)
      )
    ) : (
      value
    );
  return (
    <Panel
      title={`By ${(BY.find((b) => b.value === data.by)?.label ?? data.by).toLowerCase()}`}
      flush
      aside={<Pick name="by" label="Group by" options={BY} otherwise="owner" />}
    >
      {data.groups.length === 0 ? (
        <Empty title="Nobody gave notice in this time" />
      ) : (
        <DataTable
          caption={`Saves by ${data.by}`}
          rows={data.groups}
          rowKey={(g) => g.value}
          cols={[
            {
              label: BY.find((b) => b.value === data.by)?.label ?? data.by,
              show: (g) => (
                <button
                  type="button"
                  className={css.link}
                  onClick={() => void navigate({ search: (s) => ({ ...s, value: g.value }) })}
                >
                  {name(g.value)}
                </button>
              ),
            },
            { label: "Notices", num: true, show: (g) => number(g.notices, 0) },
            { label: "Open", num: true, show: (g) => number(g.open, 0) },
            { label: "Retained", num: true, show: (g) => number(g.retained, 0) },
            { label: "Lost", num: true, show: (g) => number(g.lost, 0) },
            {
              label: "Proactive",
              num: true,
              show: (g) => (
                <>
                  {percent(g.rate)} <span className="dim small">{`${g.proactive} of ${g.settled}`}</span>
                </>
              ),
            },
            { label: "MRR saved", num: true, show: (g) => amounts(g.mrr_saved) },
            { label: "MRR lost", num: true, show: (g) => amounts(g.mrr_lost) },
          ]}
        />
      )}
    </Panel>
  );
}

function columns(open: (account: string) => void): Col<Save>[] {
  return [
    { label: "Account", show: (r) => <AccountLink id={r.account_id} name={r.name} /> },
    { label: "Notice", show: (r) => <span className="nowrap">{day(r.notice_on)}</span> },
    { label: "Owner", show: (r) => r.owner ?? <span className="dim">none</span> },
    { label: "MRR", num: true, show: (r) => money(r.mrr, r.currency) },
    { label: "Reason", show: (r) => reasonLabel(r.reason) },
    {
      label: "What was done",
      show: (r) =>
        r.done.length === 0 ? (
          <span className="dim">nothing on record</span>
        ) : (
          <span title={r.saved_how ?? undefined}>
            {r.done.map((d) => `${words(d.name)}, ${day(d.on)}`).join(" · ")}
          </span>
        ),
    },
    {
      label: "Outcome",
      show: (r) => (
        <>
          <strong>{OUTCOME[r.outcome]}</strong>{" "}
          <span className="dim small">
            {r.outcome === "open"
              ? `settles ${day(r.settles_on)}`
              : r.outcome === "lost" && r.left_on
                ? `left ${day(r.left_on)}`
                : r.mrr_saved !== null
                  ? `${money(r.mrr_saved, r.currency)} kept`
                  : ""}
          </span>
        </>
      ),
    },
    {
      label: "Record",
      show: (r) => (
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => open(r.account_id)}
          aria-label={`Record for ${r.name}`}
        >
          Record
        </Button>
      ),
    },
  ];
}
