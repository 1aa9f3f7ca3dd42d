import { Autocomplete, Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import type { Segment } from "@/api/types";
import type { ApiProblem } from "@/api/problem";
import { sentence, words } from "@/shared/format";
import { useDraft } from "@/shared/useDraft";
import { useSoon } from "@/shared/useSoon";
import { BAND_LABEL, BANDS } from "@/features/scores/rules";
import { Icon } from "@/shared/ui/Icon";
import css from "./accounts.module.css";
import type { Search } from "./rules";

type Props = {
  search: Search;
  change: (next: Search) => void;
  segments: Segment[];
  owners: string[];
  /** Whether accounts have a score. */
  scored: boolean;
  problem: ApiProblem | null;
};

/** The bands to choose from, and several together where the address asks for them. */
const bands = (asked: string | undefined) => [
  ...BANDS.map((band) => ({ value: band as string, label: BAND_LABEL[band] })),
  { value: "red,yellow", label: "Red or yellow" },
  ...(asked && asked.includes(",") && asked !== "red,yellow" ? [{ value: asked, label: words(asked) }] : []),
];

/** Everything that narrows the list; each part is kept in the address. */
export function Filters({ search, change, segments, owners, scored, problem }: Props) {
  const [q, setQ] = useDraft(search.q ?? "");
  const [filter, setFilter] = useDraft(search.filter ?? "");
  const [owner, setOwner] = useDraft(search.owner ?? "");
  const searchSoon = useSoon((value) => change({ q: value.trim() || undefined }), 200);

  const message = problem
    ? [problem.errors[0]?.problem ?? problem.detail ?? problem.title, problem.errors[0]?.remedy]
        .map(sentence)
        .filter(Boolean)
        .join(" ")
    : null;
  const any = search.q || search.segment || search.owner || search.active || search.band || search.filter;
  return (
    <div className={css.filters}>
      <TextInput
        type="search"
        aria-label="Search by name, id or domain"
        placeholder="Search name, id or domain"
        leftSection={<Icon name="search" />}
        value={q}
        className={css.search}
        onChange={(e) => {
          setQ(e.currentTarget.value);
          searchSoon(e.currentTarget.value);
        }}
        onKeyDown={(e) => {
          if (e.key === "Escape") e.currentTarget.blur();
        }}
      />
      <Select
        aria-label="Segment"
        placeholder="Any segment"
        clearable
        value={search.segment ?? null}
        className={css.pick}
        clearButtonProps={{ "aria-label": "Any segment" }}
        data={[
          ...segments.map((s) => ({ value: s.id, label: s.label })),
          { value: "unclassified", label: "Unclassified" },
        ]}
        onChange={(v) => change({ segment: v ?? undefined })}
      />
      <Autocomplete
        aria-label="Owner"
        placeholder="Any owner"
        clearable
        value={owner}
        data={[...owners, "(none)"]}
        className={css.pick}
        clearButtonProps={{ "aria-label": "Any owner" }}
        onChange={(v) => {
          setOwner(v);
          if (v === "" || v === "(none)" || owners.includes(v)) change({ owner: v || undefined });
        }}
        onKeyDown={(e) => {
          if (e.key === "Enter") change({ owner: owner.trim() || undefined });
        }}
      />
      {scored || search.band ? (
        <Select
          aria-label="Band"
          placeholder="Any band"
          clearable
          value={search.band ?? null}
          className={css.band}
          clearButtonProps={{ "aria-label": "Any band" }}
          data={bands(search.band)}
          onChange={(v) => change({ band: v ?? undefined })}
        />
      ) : null}
      <SegmentedControl
        size="sm"
        aria-label="State"
        value={search.active ?? "yes"}
        onChange={(v) => change({ active: v === "yes" ? undefined : v })}
        data={[
          { value: "yes", label: "Active" },
          { value: "no", label: "Churned" },
          { value: "any", label: "Both" },
        ]}
      />
      <form
        className={css.expression}
        onSubmit={(e) => {
          e.preventDefault();
          change({ filter: filter.trim() || undefined });
        }}
      >
        <TextInput
          aria-label="Filter expression"
          placeholder="Filter, e.g. mrr > 500 and logins_30d = 0"
          value={filter}
          error={message}
          spellCheck={false}
          autoComplete="off"
          leftSection={<Icon name="filter" />}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
          onChange={(e) => setFilter(e.currentTarget.value)}
          onBlur={() => {
            if (filter.trim() === "" && search.filter) change({ filter: undefined });
          }}
        />
      </form>
      {any ? (
        <Button
          variant="subtle"
          onClick={() => {
            setQ("");
            change({
              q: undefined,
              segment: undefined,
              owner: undefined,
              active: undefined,
              band: undefined,
              filter: undefined,
            });
          }}
        >
          Clear
        </Button>
      ) : null}
    </div>
  );
}
