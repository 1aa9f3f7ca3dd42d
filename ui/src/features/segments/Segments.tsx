import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { SegmentsAnswer } from "@/api/types";
import { Views } from "@/features/views/Views";
import { useAsOf } from "@/app/asOf";
import { money, number, percent } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip, segmentColor } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { Editor } from "./Editor";
import { Doubtful, Overlaps } from "./Doubts";
import { FlowPanel, HistoryPanel } from "./Past";
import { segmentsQuery } from "./queries";
import css from "./segments.module.css";

/** The segments: their rules in order, who is in them, and what another rule would change. */
export function Segments() {
  const { asOf } = useAsOf();
  const answer = useQuery(segmentsQuery(asOf));
  const search = useSearch({ from: "/segments" });
  return (
    <>
      <PageHead
        title="Segments"
        sub={
          <>
            Rules are read in order; the first that is true decides.
            {answer.data ? (
              <>
                {" "}
                · <Fresh at={answer.data.computed_at} />
              </>
            ) : null}
          </>
        }
      >
        <Views page="segments" search={search} />
      </PageHead>
      <Loaded of={answer} lines={8}>
        {(data) => <Body data={data} />}
      </Loaded>
    </>
  );
}

function Body({ data }: { data: SegmentsAnswer }) {
  const { asOf } = useAsOf();
  const { tab = "rules" } = useSearch({ from: "/segments" });
  const navigate = useNavigate({ from: "/segments" });
  if (data.segments.length === 0)
    return <Empty title="No segment is declared">The program that is applied declares no segment.</Empty>;
  return (
    <div className={css.page}>
      <Sizes data={data} />
      <Tabs
        value={tab}
        onChange={(t) => void navigate({ search: (s) => ({ ...s, tab: t ?? undefined }) })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="rules">Rules</Tabs.Tab>
          <Tabs.Tab value="flow">Flow</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
          <Tabs.Tab value="overlaps">Overlaps</Tabs.Tab>
          <Tabs.Tab value="unclassified">Unclassified</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="rules">
          <Editor segments={data.segments} currency={data.currency} />
        </Tabs.Panel>
        <Tabs.Panel value="flow">
          <FlowPanel asOf={asOf} currency={data.currency} />
        </Tabs.Panel>
        <Tabs.Panel value="history">
          <HistoryPanel asOf={asOf} currency={data.currency} />
        </Tabs.Panel>
        <Tabs.Panel value="overlaps">
          <Overlaps currency={data.currency} />
        </Tabs.Panel>
        <Tabs.Panel value="unclassified">
          <Doubtful currency={data.currency} />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

/** Who is where now, and who is nowhere. */
function Sizes({ data }: { data: SegmentsAnswer }) {
  const { unclassified } = data;
  return (
    <Panel
      title={`${number(data.total, 0)} active accounts`}
      flush
      aside={data.categorized === null ? null : <span className="dim">{percent(data.categorized)} in a segment</span>}
    >
      <div
        className={css.bar}
        role="img"
        aria-label={data.segments.map((s) => `${s.label} ${percent(s.share)}`).join(", ")}
      >
        {data.segments.map((s) => (
          <span key={s.id} style={{ flexGrow: s.active, background: segmentColor(s.id) }} />
        ))}
        {unclassified.accounts > 0 ? (
          <span style={{ flexGrow: unclassified.accounts, background: segmentColor("unclassified") }} />
        ) : null}
      </div>
      <DataTable
        caption="Segments"
        rows={data.segments}
        rowKey={(s) => s.id}
        cols={[
          {
            label: "Segment",
            show: (s) => (
              <Link to="/accounts" search={{ segment: s.id }}>
                <SegmentChip id={s.id} label={s.label} />
              </Link>
            ),
          },
          { label: "Rule", show: (s) => <code>{s.rule}</code> },
          { label: "Active", num: true, show: (s) => number(s.active, 0) },
          { label: "With churned", num: true, show: (s) => number(s.accounts, 0) },
          { label: "MRR", num: true, show: (s) => money(s.mrr, data.currency) },
          { label: "Share", num: true, show: (s) => percent(s.share) },
        ]}
      />
      {unclassified.accounts > 0 ? (
        <div className={css.unclassified}>
          <Link to="/segments" search={{ tab: "unclassified" }}>
            {number(unclassified.accounts, 0)} unclassified
          </Link>
          <ul>
            {unclassified.reasons.map((r) => (
              <li key={r.reason}>
                {r.reason} <span className="dim">({number(r.accounts, 0)})</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      {data.undecided.length > 0 ? (
        <div className={css.unclassified}>
          <strong>Could change if a missing field were filled</strong>
          <ul>
            {data.undecided.map((r) => (
              <li key={r.reason}>
                {r.reason} <span className="dim">({number(r.accounts, 0)})</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </Panel>
  );
}
