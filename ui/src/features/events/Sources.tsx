import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Source } from "@/api/types";
import { day } from "@/shared/days";
import { number, percent, seconds } from "@/shared/format";
import { Ago, Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Bars } from "./Bars";
import css from "./events.module.css";
import { Expectation } from "./Expectation";
import { alarmsQuery, sourcesQuery } from "./queries";

/** Where events come from, how fresh each source is, and how many of its events were refused. */
export function Sources() {
  const sources = useQuery(sourcesQuery);
  const [editing, setEditing] = useState<string | null>(null);
  return (
    <Loaded of={sources} lines={6}>
      {(data) => {
        if (data.sources.length === 0)
          return (
            <Empty title="No event has arrived yet">
              Create a key with scope “ingest” under{" "}
              <Link to="/settings" search={{ tab: "keys" }}>
                Settings
              </Link>{" "}
              and give it to your Segment or RudderStack SDK with this server as its host, or{" "}
              <Link to="/data" search={{ tab: "imports" }}>
                import files
              </Link>
              .
            </Empty>
          );
        const open = data.sources.find((s) => s.source === editing);
        return (
          <div className={css.stack}>
            {open ? <Expectation key={open.source} source={open} done={() => setEditing(null)} /> : null}
            <Panel title="Sources" flush aside={<Fresh at={data.at} verb="as of" />}>
              <DataTable
                caption="Sources"
                rows={data.sources}
                rowKey={(s) => s.source}
                cols={[
                  {
                    label: "Source",
                    show: (s) => (
                      <>
                        <strong>{s.source}</strong>
                        <div className="dim small">since {day(s.first_event_at)}</div>
                      </>
                    ),
                  },
                  { label: "Last event", show: (s) => <Ago at={s.last_event_at} /> },
                  { label: "Heard", show: (s) => <Heard source={s} edit={() => setEditing(s.source)} /> },
                  {
                    label: "24 hours",
                    show: (s) => (
                      <Bars
                        values={s.per_hour}
                        label={`${s.source}: events in each of the last 24 hours, ${number(s.events_24h, 0)} in all`}
                      />
                    ),
                  },
                  {
                    label: "14 days",
                    show: (s) => (
                      <Bars
                        values={s.per_day}
                        label={`${s.source}: events on each of the last 14 days, ${number(
                          s.per_day.reduce((a, b) => a + b, 0),
                          0,
                        )} in all`}
                      />
                    ),
                  },
                  { label: "Events", num: true, show: (s) => number(s.events, 0) },
                  {
                    label: "Delay",
                    num: true,
                    show: (s) => (
                      <span title="Between happening and arrival: half of the events, and 95 % of them, come faster; known to a factor of two">
                        {seconds(s.lag_p50_s)}
                        <span className="dim"> · {seconds(s.lag_p95_s)}</span>
                      </span>
                    ),
                  },
                  { label: "Rejected", num: true, show: (s) => <Rejected source={s} /> },
                ]}
              />
            </Panel>
            <Alarms />
          </div>
        );
      }}
    </Loaded>
  );
}

function Rejected({ source: s }: { source: Source }) {
  if (s.rejected === 0) return <>0</>;
  return (
    <Link to="/data" search={{ tab: "rejects" }}>
      {number(s.rejected, 0)} <span className="dim">({percent(s.rejected_share)})</span>
    </Link>
  );
}

function Heard({ source: s, edit }: { source: Source; edit: () => void }) {
  const every = s.expectation.every_s;
  const words = {
    heard: `within ${seconds(every)}`,
    silent: `silent for longer than ${seconds(every)}`,
    unknown: "no expectation",
    muted: "muted",
  }[s.state];
  return (
    <span className={css.heard}>
      <span className={s.state === "silent" ? css.silent : s.state === "heard" ? css.ok : "dim"}>
        {s.state === "silent" ? (
          <>
            <Icon name="warning" size={14} />{" "}
          </>
        ) : null}
        {words}
      </span>
      <Button size="compact-xs" variant="subtle" aria-label={`Change what is expected of ${s.source}`} onClick={edit}>
        Change
      </Button>
    </span>
  );
}

function Alarms() {
  const alarms = useQuery(alarmsQuery);
  const list = alarms.data?.alarms ?? [];
  if (list.length === 0) return null;
  return (
    <Panel title="Silences" flush>
      <DataTable
        caption="Silences"
        rows={list.slice(0, 20)}
        rowKey={(a) => `${a.source}${a.raised_at}`}
        cols={[
          { label: "Source", show: (a) => <strong>{a.source}</strong> },
          { label: "Noticed", show: (a) => <Ago at={a.raised_at} /> },
          { label: "Last event before", show: (a) => <Ago at={a.last_event_at} /> },
          { label: "Could be silent for", num: true, show: (a) => seconds(a.every_s) },
          {
            label: "Over",
            show: (a) =>
              a.cleared_at === null ? (
                <span className={css.silent}>silent still</span>
              ) : (
                <>
                  <Ago at={a.cleared_at} />{" "}
                  <span className="dim">{a.cleared_by === "event" ? "" : "(expectation changed)"}</span>
                </>
              ),
          },
        ]}
      />
    </Panel>
  );
}
