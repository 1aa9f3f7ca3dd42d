import { Button, Menu } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import type { SavedView } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { Icon } from "@/shared/ui/Icon";
import { toast } from "@/shared/ui/Toasts";
import {
  addView,
  changeView,
  removeView,
  same,
  setDefault,
  stateOf,
  viewsQuery,
  type State,
  type ViewPage,
} from "./queries";
import { ConflictDialog, SaveDialog } from "./SaveDialog";

/** Views of a page: chosen, saved, shared with the team, one of them to start with. */
export function Views({ page, search }: { page: ViewPage; search: Record<string, unknown> }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const views = useQuery(viewsQuery(page));
  const role = useQuery(sessionQuery).data?.user.role;
  const [saving, setSaving] = useState(false);
  const now = stateOf(search);
  const [openedId, setOpened] = useState<string | null>(null);
  const items = views.data?.items ?? [];
  const current = items.find((v) => v.id === openedId) ?? items.find((v) => same(v.state, now));
  const changed = current !== undefined && !same(current.state, now);
  const again = () => queries.invalidateQueries({ queryKey: ["views", page] });

  const go = useCallback(
    (state: State, replace: boolean) =>
      void navigate({
        to: page === "overview" ? "/" : `/${page}`,
        search: (s: { as_of?: string }) => ({ as_of: s.as_of, ...state }),
        replace,
      } as never),
    [navigate, page],
  );
  const open = (v: SavedView) => {
    setOpened(v.id);
    go(v.state, false);
  };
  // A page that is entered without any choice starts with the reader's own.
  const entered = useRef(false);
  const bare = Object.keys(now).length === 0;
  useEffect(() => {
    if (entered.current || !views.data) return;
    entered.current = true;
    const start = views.data.items.find((v) => v.id === views.data.default_id);
    if (start && bare) go(start.state, true);
  }, [views.data, bare, go]);

  const update = useMutation({
    mutationFn: (v: SavedView) => changeView(v, now),
    onSuccess: async (v) => {
      await again();
      toast(`“${v.name}” is saved.`);
    },
  });
  const remove = useMutation({
    mutationFn: (v: SavedView) => removeView(v.id),
    onSuccess: async (_, v) => {
      setOpened(null);
      await again();
      toast(`“${v.name}” is removed.`, async () => {
        await addView(page, v.name, v.state, v.shared);
        await again();
      });
    },
  });
  const start = useMutation({
    mutationFn: ({ v, on }: { v: SavedView; on: boolean }) => setDefault(v.id, on),
    onSuccess: again,
  });
  const isDefault = current !== undefined && views.data?.default_id === current.id;

  return (
    <>
      <Menu position="bottom-end" width={280} shadow="md">
        <Menu.Target>
          <Button variant="default" size="xs" rightSection={<Icon name="chevronDown" size={14} />}>
            {current ? `${current.name}${changed ? " (changed)" : ""}` : "Views"}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {items.length > 0 ? <Menu.Label>Views</Menu.Label> : null}
          {items.map((v) => (
            <Menu.Item
              key={v.id}
              onClick={() => open(v)}
              rightSection={<span className="dim small">{v.shared ? (v.own ? "team" : v.owner) : "only you"}</span>}
              leftSection={v.id === views.data?.default_id ? <Icon name="flag" size={14} /> : undefined}
            >
              {v.name}
            </Menu.Item>
          ))}
          {items.length > 0 ? <Menu.Divider /> : null}
          <Menu.Item onClick={() => setSaving(true)}>Save this as a view…</Menu.Item>
          {current && changed && current.may_change ? (
            <Menu.Item onClick={() => update.mutate(current)}>Save the change to “{current.name}”</Menu.Item>
          ) : null}
          {current ? (
            <Menu.Item onClick={() => start.mutate({ v: current, on: !isDefault })}>
              {isDefault ? "No longer start with it" : `Start with “${current.name}”`}
            </Menu.Item>
          ) : null}
          {current?.may_change ? (
            <Menu.Item onClick={() => remove.mutate(current)}>Remove “{current.name}”</Menu.Item>
          ) : null}
          {!bare ? (
            <Menu.Item
              onClick={() => {
                setOpened(null);
                go({}, false);
              }}
            >
              Without a view
            </Menu.Item>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      {saving ? (
        <SaveDialog
          page={page}
          state={now}
          mayShare={role !== "viewer"}
          done={async (v) => {
            await again();
            setOpened(v.id);
            setSaving(false);
          }}
          close={() => setSaving(false)}
        />
      ) : null}
      <ConflictDialog
        error={update.error}
        mine={now}
        overwrite={(v) => update.mutate(v)}
        look={async (v) => {
          update.reset();
          await again();
          open(v);
        }}
        close={() => update.reset()}
      />
    </>
  );
}
