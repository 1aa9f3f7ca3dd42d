import { Button, Checkbox, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Notification, NotificationKind } from "@/api/types";
import { number } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { Icon, type IconName } from "@/shared/ui/Icon";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import css from "./inbox.module.css";
import { inboxQuery, KINDS, markRead, setWanted } from "./queries";

const ICONS: Record<NotificationKind, IconName> = {
  mention: "mail",
  handover: "meeting",
  import: "data",
  silence: "warning",
  target: "targets",
  accuracy: "warning",
};

/** What the reader should know of, each thing with the way to it. */
export function Inbox() {
  const { show } = useSearch({ from: "/inbox" });
  const navigate = useNavigate({ from: "/inbox" });
  const queries = useQueryClient();
  const unread = show === "unread";
  const pages = useInfiniteQuery(inboxQuery(unread));
  const again = () => queries.invalidateQueries({ queryKey: ["inbox"] });
  const mark = useMutation({
    mutationFn: ({ ids, read }: { ids: string[] | null; read: boolean }) => markRead(ids, read),
    onSuccess: again,
  });
  const first = pages.data?.pages[0];
  const items = pages.data?.pages.flatMap((p) => p.items) ?? [];
  const all = () => {
    const were = items.filter((n) => !n.read_at).map((n) => n.id);
    mark.mutate(
      { ids: null, read: true },
      {
        onSuccess: () =>
          toast("All are read.", async () => {
            await markRead(were, false);
            await again();
          }),
      },
    );
  };
  return (
    <>
      <PageHead title="Inbox" sub={first ? `${number(first.unread, 0)} unread` : "Loading"}>
        <SegmentedControl
          aria-label="Which"
          value={unread ? "unread" : "all"}
          data={[
            { value: "all", label: "All" },
            { value: "unread", label: "Unread" },
          ]}
          onChange={(v) => void navigate({ search: (s) => ({ ...s, show: v === "unread" ? v : undefined }) })}
        />
        {first && first.unread > 0 ? (
          <Button variant="default" loading={mark.isPending} onClick={all}>
            Mark all as read
          </Button>
        ) : null}
      </PageHead>
      {mark.error ? <Problem inline error={mark.error} /> : null}
      <div className={css.columns}>
        <Loaded of={pages} lines={8}>
          {() =>
            items.length === 0 ? (
              <Empty title={unread ? "Everything is read" : "Nothing has come yet"}>
                Here stands what concerns you: mentions in notes, accounts handed over to you, imports that are done,
                sources that fall silent, targets that turn. All your mentions stand under{" "}
                <Link to="/mentions">Mentions</Link>.
              </Empty>
            ) : (
              <Panel title="Notifications" flush>
                <ul className={css.list}>
                  {items.map((n) => (
                    <Line key={n.id} item={n} mark={(read) => mark.mutate({ ids: [n.id], read })} />
                  ))}
                </ul>
                {pages.hasNextPage ? (
                  <Button variant="subtle" onClick={() => void pages.fetchNextPage()}>
                    More
                  </Button>
                ) : null}
              </Panel>
            )
          }
        </Loaded>
        {first ? <Wanted wanted={first.wanted} again={again} /> : null}
      </div>
    </>
  );
}

function Line({ item: n, mark }: { item: Notification; mark: (read: boolean) => void }) {
  return (
    <li className={n.read_at ? css.line : `${css.line} ${css.unread}`}>
      {n.kind ? <Icon name={ICONS[n.kind]} /> : null}
      <a
        href={n.link}
        data-row
        onClick={() => {
          if (!n.read_at) mark(true);
        }}
      >
        {n.title}
        {n.read_at ? null : <span className="sr"> (unread)</span>}
      </a>
      <span className="dim small">
        <Ago at={n.at} />
      </span>
      <Button size="compact-xs" variant="subtle" onClick={() => mark(!n.read_at)}>
        {n.read_at ? "Unread" : "Read"}
        <span className="sr">: {n.title}</span>
      </Button>
    </li>
  );
}

function Wanted({ wanted, again }: { wanted: Record<string, boolean>; again: () => Promise<void> }) {
  const change = useMutation({
    mutationFn: ({ kind, on }: { kind: NotificationKind; on: boolean }) => setWanted(kind, on),
    onSuccess: again,
  });
  return (
    <Panel title="Tell me when">
      <div className={css.wanted}>
        {(Object.keys(KINDS) as NotificationKind[]).map((kind) => (
          <Checkbox
            key={kind}
            label={KINDS[kind]}
            checked={wanted[kind] ?? true}
            onChange={(e) => change.mutate({ kind, on: e.currentTarget.checked })}
          />
        ))}
      </div>
      <p className="dim small">Sources and targets are told to managers and administrators.</p>
      {change.error ? <Problem inline error={change.error} /> : null}
    </Panel>
  );
}
