import { Button, Checkbox, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Column } from "@/api/types";
import { words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import css from "./accounts.module.css";

/** Chooses which of the account's attributes and metrics are columns. */
export function ColumnChooser({
  columns,
  chosen,
  choose,
}: {
  columns: Column[];
  chosen: string[];
  choose: (columns: string[]) => void;
}) {
  const [find, setFind] = useState("");
  const shown = columns.filter((c) => `${c.label} ${c.id}`.toLowerCase().includes(find.toLowerCase()));
  const toggle = (id: string, on: boolean) => choose(on ? [...chosen, id] : chosen.filter((c) => c !== id));
  return (
    <Popover position="bottom-end" width={280} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<Icon name="columns" />}>
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <TextInput
          aria-label="Find a column"
          placeholder="Find a column"
          size="xs"
          value={find}
          onChange={(e) => setFind(e.currentTarget.value)}
        />
        <div className={css.columns}>
          {shown.map((c) => (
            <Checkbox
              key={c.id}
              size="xs"
              label={c.label || words(c.id)}
              description={c.id}
              checked={chosen.includes(c.id)}
              onChange={(e) => toggle(c.id, e.currentTarget.checked)}
            />
          ))}
          {shown.length === 0 ? <span className="dim">No column is called so.</span> : null}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
