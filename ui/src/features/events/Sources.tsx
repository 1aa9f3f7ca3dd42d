import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { number, seconds } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { sourcesQuery } from "./queries";

/** Where events come from, how fresh each source is, and how many of its events were refused. */
export function Sources() {
  const sources = useQuery(sourcesQuery);
  return (
    <Loaded of={sources} lines={6}>
      {(data) =>
        data.sources.length === 0 ? (
          <Empty title="No event has arrived yet">
            Create a key with scope “ingest” under{" "}
            <Link to="/settings" search={{ tab: "keys" }}>
              Settings
            </Link>{" "}
            and give it to your Segment or RudderStack SDK with this server as its host, or import files.
          </Empty>
        ) : (
          <Panel title="Sources" flush>
            <DataTable
              caption="Sources"
              rows={data.sources}
              rowKey={(s) => s.source}
              cols={[
                { label: "Source", show: (s) => <strong>{s.source}</strong> },
                { label: "Last event", show: (s) => <Ago at={s.last_event_at} /> },
                { label: "In 24 hours", num: true, show: (s) => number(s.events_24h, 0) },
                { label: "Events", num: true, show: (s) => number(s.events, 0) },
                { label: "Since", show: (s) => day(s.first_event_at) },
                { label: "Median delay", num: true, show: (s) => seconds(s.lag_p50_s) },
                {
                  label: "Rejected",
                  num: true,
                  show: (s) =>
                    s.rejected > 0 ? (
                      <Link to="/data" search={{ tab: "rejects" }}>
                        {number(s.rejected, 0)}
                      </Link>
                    ) : (
                      "0"
                    ),
                },
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  );
}
