import { Button, Checkbox, Select, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { number, words } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import css from "./imports.module.css";

const KINDS = ["accounts", "contacts", "subscriptions", "events", "tickets", "opportunities", "responses"];

/** Starts the import of a file that lies on the server. */
export function NewImport() {
  const queries = useQueryClient();
  const [path, setPath] = useState("");
  const [map, setMap] = useState("");
  const [kind, setKind] = useState<string | null>("accounts");
  const [dry, setDry] = useState(true);
  const start = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/imports", {
          body: { path: path.trim(), kind: kind ?? undefined, map: map.trim() || undefined, dry_run: dry },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["imports"] }),
  });
  return (
    <Panel
      title="Import a file"
      aside={
        <span className="dim">
          CSV, JSON lines, Parquet, or a folder with an import.yaml; the same file twice changes nothing.
        </span>
      }
    >
      <form
        className={css.form}
        onSubmit={(e) => {
          e.preventDefault();
          start.mutate();
        }}
      >
        <TextInput
          label="Path on the server"
          required
          value={path}
          onChange={(e) => setPath(e.currentTarget.value)}
          placeholder="export/accounts.csv"
        />
        <Select
          label="Kind"
          value={kind}
          onChange={setKind}
          clearable
          clearButtonProps={{ "aria-label": "No kind: a folder" }}
          placeholder="a folder names its own"
          data={KINDS.map((k) => ({ value: k, label: words(k) }))}
        />
        <TextInput
          label="Map file (optional)"
          value={map}
          onChange={(e) => setMap(e.currentTarget.value)}
          placeholder="accounts.map.yaml"
        />
        <Checkbox label="Only try" checked={dry} onChange={(e) => setDry(e.currentTarget.checked)} mb={8} />
        <Button type="submit" loading={start.isPending}>
          {dry ? "Try" : "Import"}
        </Button>
      </form>
      <div className={css.result} role="status">
        {start.error ? <Problem inline error={start.error} /> : null}
        {start.data ? (
          <span>
            {start.data.state === "running"
              ? "Started; its progress stands below."
              : `${number(start.data.rows, 0)} rows: ${number(start.data.imported, 0)} read, ${number(start.data.duplicates, 0)} known already, ${number(start.data.rejected, 0)} rejected.`}
          </span>
        ) : null}
      </div>
    </Panel>
  );
}
