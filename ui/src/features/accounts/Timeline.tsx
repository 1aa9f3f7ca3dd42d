import { Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Profile, TimelineItem } from "@/api/types";
import { useSoon } from "@/shared/useSoon";
import { clock, day, instant, endOfDay } from "@/shared/days";
import { words } from "@/shared/format";
import { useDraft } from "@/shared/useDraft";
import { Icon, isIcon, type IconName } from "@/shared/ui/Icon";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import css from "./accounts.module.css";
import { programQuery } from "@/features/program/queries";
import { timelineQuery } from "./queries";
import { tell } from "./sentences";

const KINDS = [
  "product",
  "content",
  "communication",
  "meeting",
  "support",
  "survey",
  "onboarding",
  "revenue",
  "opportunity",
  "advocacy",
  "work",
  "account",
];
const ICONS: Record<string, IconName> = { communication: "mail" };
const icon = (kind: string): IconName => ICONS[kind] ?? (isIcon(kind) ? kind : "clock");

/** The reader's own calendar day of an instant. */
const localDay = (at: string) => {
  const d = new Date(at);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
};

/** What happened to the account, newest first. */
export function Timeline({ profile, asOf }: { profile: Profile; asOf: string | undefined }) {
  const { account } = profile;
  const { kind, q } = useSearch({ from: "/accounts/$id" });
  const navigate = useNavigate({ from: "/accounts/$id" });
  const [text, setText] = useDraft(q ?? "");
  const change = (next: { kind?: string; q?: string }) =>
    void navigate({ search: (s) => ({ ...s, ...next }), replace: true });
  const searchSoon = useSoon((value) => change({ q: value.trim() || undefined }), 250);
  // The day ends where the program lives; until that is known, a past day has no timeline yet.
  const zone = useQuery({ ...programQuery, enabled: asOf !== undefined && Boolean(kind || q) }).data?.time_zone;
  const before = asOf && zone ? endOfDay(asOf, zone) : undefined;
  const narrowed = Boolean(kind || q);
  const [more, setMore] = useState(false);
  const pages = useInfiniteQuery({
    ...timelineQuery(account.account_id, { kind, q }, before),
    // The first page of everything came with the account; only what is filtered or older is asked for.
    enabled: narrowed && (asOf === undefined || before !== undefined),
  });
  const older = useInfiniteQuery({
    ...timelineQuery(account.account_id, {}, profile.timeline_next ?? undefined),
    enabled: !narrowed && more && profile.timeline_next !== null,
  });
  const contacts = new Map(profile.contacts.map((c) => [c.contact_id, c.name ?? c.email ?? c.contact_id]));
  return (
    <Panel title="Timeline" flush scroll={false}>
      <div className={css.timelineTools}>
        <TextInput
          type="search"
          aria-label="Search the timeline"
          placeholder="Search the timeline"
          leftSection={<Icon name="search" />}
          value={text}
          onChange={(e) => {
            setText(e.currentTarget.value);
            searchSoon(e.currentTarget.value);
          }}
        />
        <Select
          aria-label="Kind of event"
          placeholder="All kinds"
          clearable
          value={kind ?? null}
          data={KINDS.map((k) => ({ value: k, label: words(k) }))}
          clearButtonProps={{ "aria-label": "All kinds" }}
          onChange={(v) => change({ kind: v ?? undefined })}
          w={160}
        />
      </div>
      {narrowed ? (
        <Loaded of={pages} lines={10}>
          {(data) => (
            <Events
              items={data.pages.flatMap((p) => p.items)}
              contacts={contacts}
              empty="Nothing matches"
              next={pages.hasNextPage ? () => void pages.fetchNextPage() : null}
              busy={pages.isFetchingNextPage}
            />
          )}
        </Loaded>
      ) : (
        <Events
          items={[...profile.timeline, ...(older.data?.pages.flatMap((p) => p.items) ?? [])]}
          contacts={contacts}
          empty="Nothing has happened yet"
          next={
            (older.data ? older.hasNextPage : profile.timeline_next !== null)
              ? () => (older.data ? void older.fetchNextPage() : setMore(true))
              : null
          }
          busy={older.isFetching}
        />
      )}
      {older.error ? <Problem inline error={older.error} /> : null}
    </Panel>
  );
}

function Events({
  items,
  contacts,
  empty,
  next,
  busy,
}: {
  items: TimelineItem[];
  contacts: Map<string, string>;
  empty: string;
  next: (() => void) | null;
  busy: boolean;
}) {
  if (items.length === 0)
    return (
      <div style={{ padding: 16 }}>
        <Empty title={empty} />
      </div>
    );
  return (
    <>
      <Days items={items} contacts={contacts} />
      <div className={css.more}>
        {next ? (
          <Button size="xs" variant="default" loading={busy} onClick={next}>
            Load older
          </Button>
        ) : (
          <span className="dim small">That is the beginning.</span>
        )}
      </div>
    </>
  );
}

function Days({ items, contacts }: { items: TimelineItem[]; contacts: Map<string, string> }) {
  const days: { day: string; items: TimelineItem[] }[] = [];
  for (const item of items) {
    const d = localDay(item.occurred_at);
    const last = days.at(-1);
    if (last?.day === d) last.items.push(item);
    else days.push({ day: d, items: [item] });
  }
  return (
    <>
      {days.map((d) => (
        <section key={d.day} aria-label={day(d.day, "long")}>
          <h3 className={css.dayHead}>{day(d.day, "long")}</h3>
          <ol className={css.timeline}>
            {d.items.map((item) => (
              <Entry
                key={item.message_id}
                item={item}
                who={item.contact_id ? (contacts.get(item.contact_id) ?? item.contact_id) : null}
              />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

function Entry({ item, who }: { item: TimelineItem; who: string | null }) {
  const { sentence, quote } = tell(item);
  const late = Date.parse(item.received_at) - Date.parse(item.occurred_at) > 86_400_000;
  return (
    <li className={css.event}>
      <span className={css.bubble} title={words(item.kind)}>
        <Icon name={icon(item.kind)} size={15} />
        <span className="sr">{words(item.kind)}: </span>
      </span>
      <div>
        <div>
          {sentence}
          {who ? <span className="dim"> · {who}</span> : null}
        </div>
        {quote ? <p className={css.quote}>{quote}</p> : null}
        <details>
          <summary>
            {item.source}
            {late ? `, arrived ${day(item.received_at)}` : ""}
          </summary>
          <pre>
            {JSON.stringify(
              {
                name: item.name,
                message_id: item.message_id,
                occurred_at: item.occurred_at,
                received_at: item.received_at,
                ...item.properties,
              },
              null,
              2,
            )}
          </pre>
        </details>
      </div>
      <time className="dim small nowrap" dateTime={item.occurred_at} title={instant(item.occurred_at)}>
        {clock(item.occurred_at)}
      </time>
    </li>
  );
}
