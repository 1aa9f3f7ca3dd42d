import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useAsOf } from "@/app/asOf";
import { segmentsQuery } from "@/features/segments/queries";
import { Choice } from "@/shared/ui/Choice";
import { useDraft } from "@/shared/useDraft";
import { Icon } from "@/shared/ui/Icon";
import css from "./revenue.module.css";

/** What narrows every figure of the page; each part is kept in the address. */
export function Filters() {
  const search = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  const { asOf } = useAsOf();
  const segments = useQuery(segmentsQuery(asOf)).data?.segments ?? [];
  const [owner, setOwner] = useDraft(search.owner ?? "");
  const [filter, setFilter] = useDraft(search.filter ?? "");
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (s) => ({ ...s, value: undefined, step: undefined, ...next }) });
  const any = search.segment ?? search.owner ?? search.currency ?? search.filter;
  return (
    <form
      className={css.filters}
      aria-label="Filters"
      onSubmit={(e) => {
        e.preventDefault();
        change({ owner: owner.trim() || undefined, filter: filter.trim() || undefined });
      }}
    >
      <Choice
        label="Segment"
        any="Any segment"
        value={search.segment}
        data={[
          ...segments.map((s) => ({ value: s.id, label: s.label })),
          { value: "unclassified", label: "Unclassified" },
        ]}
        change={(segment) => change({ segment })}
        width={160}
      />
      <TextInput
        aria-label="Owner"
        placeholder="Owner's e-mail, or (none)"
        value={owner}
        onChange={(e) => setOwner(e.currentTarget.value)}
        onBlur={() => {
          if (owner.trim() !== (search.owner ?? "")) change({ owner: owner.trim() || undefined });
        }}
        w={190}
      />
      <TextInput
        aria-label="Filter expression"
        placeholder="Filter, e.g. plan = 'Pro' and employees < 50"
        value={filter}
        spellCheck={false}
        autoComplete="off"
        leftSection={<Icon name="filter" />}
        className={css.expression}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: "0.75rem" } }}
        onChange={(e) => setFilter(e.currentTarget.value)}
        onBlur={() => {
          if (filter.trim() === "" && search.filter) change({ filter: undefined });
        }}
      />
      <Button type="submit" variant="default">
        Apply
      </Button>
      {any ? (
        <Button
          variant="subtle"
          onClick={() => {
            setOwner("");
            setFilter("");
            change({ segment: undefined, owner: undefined, currency: undefined, filter: undefined });
          }}
        >
          Clear
        </Button>
      ) : null}
    </form>
  );
}
