import { Button, Select, TextInput } from "@mantine/core";
import type { Target } from "@/api/types";
import type { TargetsSearch } from "@/app/router";
import { words } from "@/shared/format";
import { useDraft } from "@/shared/useDraft";
import { useSoon } from "@/shared/useSoon";
import { Icon } from "@/shared/ui/Icon";
import { STATUS } from "@/shared/ui/Status";
import css from "./kpis.module.css";

/** What narrows the targets; each part is kept in the address, and so in a saved view. */
export function TargetFilters({
  targets,
  search,
  change,
}: {
  targets: Target[];
  search: TargetsSearch;
  change: (next: TargetsSearch) => void;
}) {
  const [q, setQ] = useDraft(search.q ?? "");
  const soon = useSoon((value) => change({ q: value.trim() || undefined }), 200);
  const scopes = [...new Set(targets.map((t) => t.scope))];
  const sources = [...new Set(targets.map((t) => t.source))].sort();
  const any = search.q || search.status || search.scope || search.source;
  return (
    <div className={css.filters}>
      <TextInput
        type="search"
        aria-label="Search targets"
        placeholder="Search targets"
        leftSection={<Icon name="search" />}
        value={q}
        w={220}
        onChange={(e) => {
          setQ(e.currentTarget.value);
          soon(e.currentTarget.value);
        }}
      />
      <Select
        aria-label="Status"
        placeholder="Any status"
        clearable
        clearButtonProps={{ "aria-label": "Any status" }}
        value={search.status ?? null}
        data={Object.entries(STATUS).map(([value, { label }]) => ({ value, label }))}
        onChange={(v) => change({ status: v ?? undefined })}
        w={150}
      />
      <Select
        aria-label="Scope"
        placeholder="Any scope"
        clearable
        clearButtonProps={{ "aria-label": "Any scope" }}
        value={search.scope ?? null}
        data={scopes.map((value) => ({ value, label: value === "all" ? "All accounts" : words(value) }))}
        onChange={(v) => change({ scope: v ?? undefined })}
        w={150}
      />
      <Select
        aria-label="Source"
        placeholder="Any source"
        clearable
        clearButtonProps={{ "aria-label": "Any source" }}
        value={search.source ?? null}
        data={sources}
        onChange={(v) => change({ source: v ?? undefined })}
        w={240}
      />
      {any ? (
        <Button
          variant="subtle"
          onClick={() => {
            setQ("");
            change({ q: undefined, status: undefined, scope: undefined, source: undefined });
          }}
        >
          Clear
        </Button>
      ) : null}
    </div>
  );
}
