import { Button, TextInput } from "@mantine/core";
import type { Target } from "@/api/types";
import type { TargetsSearch } from "@/app/router";
import { words } from "@/shared/format";
import { Choice } from "@/shared/ui/Choice";
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
      <Choice
        label="Status"
        any="Any status"
        value={search.status}
        data={Object.entries(STATUS).map(([value, { label }]) => ({ value, label }))}
        change={(status) => change({ status })}
        width={150}
      />
      <Choice
        label="Scope"
        any="Any scope"
        value={search.scope}
        data={scopes.map((value) => ({ value, label: value === "all" ? "All accounts" : words(value) }))}
        change={(scope) => change({ scope })}
        width={150}
      />
      <Choice
        label="Source"
        any="Any source"
        value={search.source}
        data={sources}
        change={(source) => change({ source })}
        width={240}
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
