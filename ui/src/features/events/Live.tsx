import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, take } from "@/api/client";
import type { LiveEvent } from "@/api/types";
import { Ago } from "@/shared/ui/Fresh";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import css from "./events.module.css";

/** Events that are kept on the page. */
const KEPT = 300;

/** Events as they arrive, looked for every second and a half. */
export function Live({ only }: { only: string | undefined }) {
  const [paused, setPaused] = useState(false);
  const [asked, setAsked] = useState({ name: only ?? "", source: "", account: "" });
  const seen = useRef<{ key: string; cursor: number | undefined; items: LiveEvent[] }>({
    key: "",
    cursor: undefined,
    items: [],
  });
  const key = JSON.stringify(asked);
  const live = useQuery({
    queryKey: ["events-live", key],
    queryFn: async () => {
      const before = seen.current.key === key ? seen.current : { key, cursor: undefined, items: [] };
      const answer = await take(
        api.GET("/api/v1/events/live", {
          params: {
            query: {
              after: before.cursor,
              name: asked.name || undefined,
              source: asked.source || undefined,
              account: asked.account || undefined,
              limit: 100,
            },
          },
        }),
      );
      const items = [...answer.items, ...before.items].slice(0, KEPT);
      seen.current = { key, cursor: answer.cursor, items };
      return items;
    },
    refetchInterval: paused ? false : 1_500,
    enabled: !paused,
    gcTime: 0,
    retry: false,
  });
  return (
    <Panel
      title="As they arrive"
      flush
      scroll={false}
      aside={
        <>
          <span className="dim small" role="status">
            {paused ? "Paused" : "Live"}
          </span>
          <Button size="xs" variant="default" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </Button>
        </>
      }
    >
      <Filters asked={asked} set={setAsked} fixed={only !== undefined} />
      {live.error ? <Problem inline error={live.error} /> : null}
      {/* A region that scrolls has to be reached by keys. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <ol className={css.live} tabIndex={0} aria-label="Events, the newest first">
        {(live.data ?? []).map((e) => (
          <li key={e.message_id}>
            <Ago at={e.received_at} />
            <code>{e.name}</code>
            {e.account_id ? (
              <Link to="/accounts/$id" params={{ id: e.account_id }}>
                {e.account_id}
              </Link>
            ) : (
              <span className="dim">no account</span>
            )}
            <span className="dim">{e.source}</span>
            <span className={`mono ${css.props}`}>{JSON.stringify(e.properties)}</span>
          </li>
        ))}
      </ol>
      {live.data?.length === 0 ? <p style={{ padding: "8px 16px" }}>Nothing has arrived that fits.</p> : null}
    </Panel>
  );
}

type Asked = { name: string; source: string; account: string };

function Filters({ asked, set, fixed }: { asked: Asked; set: (asked: Asked) => void; fixed: boolean }) {
  const [draft, setDraft] = useState(asked);
  const field = (key: keyof Asked, label: string) => (
    <TextInput
      label={label}
      value={draft[key]}
      onChange={(e) => setDraft({ ...draft, [key]: e.currentTarget.value })}
      autoComplete="off"
      spellCheck={false}
    />
  );
  return (
    <form
      style={{ padding: "8px 16px 12px" }}
      className={css.filters}
      onSubmit={(e) => {
        e.preventDefault();
        set({ name: draft.name.trim(), source: draft.source.trim(), account: draft.account.trim() });
      }}
    >
      {fixed ? null : field("name", "Name")}
      {field("source", "Source")}
      {field("account", "Account’s id")}
      <Button type="submit" variant="default">
        Show only these
      </Button>
    </form>
  );
}
