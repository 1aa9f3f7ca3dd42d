import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { EventProperty } from "@/api/types";
import { number, percent } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Bars } from "./Bars";
import css from "./events.module.css";
import { Live } from "./Live";
import { draft } from "./metric";
import { nameQuery, namesQuery } from "./queries";

/** What events come in, which names there are, and what each carries. */
export default function Explorer() {
  const { event } = useSearch({ from: "/data" });
  return (
    <div className={css.stack}>
      {event ? <Name name={event} /> : <Names />}
      <Live key={event ?? ""} only={event} />
    </div>
  );
}

function Names() {
  const names = useQuery(namesQuery);
  return (
    <Loaded of={names} lines={8}>
      {(data) =>
        data.names.length === 0 ? (
          <Empty title="No event has arrived yet" />
        ) : (
          <Panel title={`${number(data.names.length, 0)} names of events`} flush>
            <DataTable
              caption="Names of events"
              rows={data.names}
              rowKey={(n) => `${n.name} ${n.kind}`}
              cols={[
                {
                  label: "Name",
                  show: (n) => (
                    <Link to="/data" search={{ tab: "events", event: n.name }}>
                      <code>{n.name}</code>
                    </Link>
                  ),
                },
                { label: "Kind", show: (n) => n.kind },
                {
                  label: "30 days",
                  show: (n) => (
                    <Bars
                      values={n.per_day}
                      label={`${n.name}: events on each of the last 30 days, ${number(
                        n.per_day.reduce((a, b) => a + b, 0),
                        0,
                      )} in all`}
                    />
                  ),
                },
                { label: "Events", num: true, show: (n) => number(n.events, 0) },
                { label: "Accounts", num: true, show: (n) => number(n.accounts, 0) },
                { label: "Last seen", show: (n) => <Ago at={n.last_seen} /> },
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  );
}

function Name({ name }: { name: string }) {
  const it = useQuery(nameQuery(name));
  const [property, setProperty] = useState<EventProperty | null>(null);
  const navigate = useNavigate({ from: "/data" });
  return (
    <>
      <nav aria-label="Way back">
        <Link to="/data" search={{ tab: "events" }}>
          ← All names
        </Link>
      </nav>
      <Loaded of={it} lines={8}>
        {(data) => (
          <>
            <Panel
              title={`Properties of ${name}`}
              flush
              aside={<span className="dim small">of its latest {number(data.sample, 0)} events</span>}
            >
              {data.properties.length === 0 ? (
                <Empty title="Its events carry no properties" />
              ) : (
                <DataTable
                  caption={`Properties of ${name}`}
                  rows={data.properties}
                  rowKey={(p) => p.name}
                  cols={[
                    { label: "Property", show: (p) => <code>{p.name}</code> },
                    { label: "Type", show: (p) => p.types.join(", ") },
                    { label: "Filled", num: true, show: (p) => percent(p.filled) },
                    { label: "Different", num: true, show: (p) => number(p.distinct, 0) },
                    { label: "Most frequent", show: (p) => <Top property={p} /> },
                    {
                      label: "Use",
                      show: (p) => (
                        <Button
                          size="compact-xs"
                          variant="subtle"
                          aria-label={`Metric of ${p.name}`}
                          onClick={() => setProperty(p)}
                        >
                          As a metric
                        </Button>
                      ),
                    },
                  ]}
                />
              )}
            </Panel>
            <Metric
              yaml={draft(name, property ?? undefined).yaml}
              reset={property ? () => setProperty(null) : undefined}
              open={() => void navigate({ to: "/settings", search: { tab: "program" } })}
            />
          </>
        )}
      </Loaded>
    </>
  );
}

function Top({ property: p }: { property: EventProperty }) {
  const range =
    p.min !== null && p.max !== null && p.distinct > 8 ? `${number(p.min, 2)} to ${number(p.max, 2)}` : null;
  return (
    <span className={css.top}>
      {range ??
        p.top
          .slice(0, 5)
          .map((t) => `${t.value} (${number(t.events, 0)})`)
          .join(" · ")}
    </span>
  );
}

/** The definition of a metric to start from. */
function Metric({ yaml, reset, open }: { yaml: string; reset: (() => void) | undefined; open: () => void }) {
  const [copied, setCopied] = useState<string | null>(null);
  return (
    <Panel
      title="A metric of it"
      aside={
        <>
          {reset ? (
            <Button size="xs" variant="subtle" onClick={reset}>
              Of the events themselves
            </Button>
          ) : null}
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name={copied === yaml ? "check" : "copy"} size={14} />}
            onClick={() => void navigator.clipboard.writeText(yaml).then(() => setCopied(yaml))}
          >
            {copied === yaml ? "Copied" : "Copy"}
          </Button>
          <Button size="xs" variant="default" onClick={open}>
            To the program
          </Button>
        </>
      }
    >
      <p className="small dim">
        Add these lines to metrics.yaml of the program; its check says at once whether they hold.
      </p>
      <pre className={css.draft}>{yaml}</pre>
    </Panel>
  );
}
