import { ActionIcon, Menu } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { DashboardPage, Tile } from "@/api/types";
import { Icon } from "@/shared/ui/Icon";
import css from "./dashboards.module.css";
import { picture, sheet } from "./exporting";

/** A tile as a file. */
export function TileMenu({ tile, page }: { tile: Tile; page: DashboardPage }) {
  const run = useMutation({ mutationFn: (make: () => Promise<void>) => make() });
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon
          size="sm"
          variant="subtle"
          color={run.error ? "red" : "gray"}
          className={css.tool}
          loading={run.isPending}
          aria-label={run.error ? `Saving ${tile.title} failed; try again` : `Save ${tile.title}`}
        >
          <Icon name="download" size={14} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => run.mutate(() => sheet(page, "csv", tile))}>CSV</Menu.Item>
        <Menu.Item onClick={() => run.mutate(() => sheet(page, "xlsx", tile))}>Excel (XLSX)</Menu.Item>
        <Menu.Item onClick={() => run.mutate(() => picture(page, tile))}>Picture (PNG)</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
