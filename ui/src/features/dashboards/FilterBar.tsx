import { NativeSelect } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { DashboardPage } from "@/api/types";
import type { DashboardSearch } from "@/app/router";
import css from "./dashboards.module.css";

const PERIODS = [
  { value: "", label: "As each tile says" },
  { value: "30d", label: "30 days" },
  { value: "90d", label: "90 days" },
  { value: "26w", label: "26 weeks" },
  { value: "3m", label: "3 months" },
  { value: "6m", label: "6 months" },
  { value: "13m", label: "13 months" },
  { value: "25m", label: "25 months" },
  { value: "8q", label: "8 quarters" },
];
const COMPARE = [
  { value: "previous", label: "Period before" },
  { value: "year", label: "Year before" },
  { value: "none", label: "Nothing" },
];

/** The filters of a page; they live in its address. */
export function FilterBar({ page }: { page: DashboardPage }) {
  const navigate = useNavigate({ from: "/dashboards/$id" });
  const set = (change: Partial<DashboardSearch>) =>
    void navigate({
      search: (s) => ({ ...s, tile: undefined, series: undefined, at: undefined, ...change }),
      replace: true,
    });
  const period = page.filters.period ?? "";
  const periods = PERIODS.some((p) => p.value === period) ? PERIODS : [...PERIODS, { value: period, label: period }];
  return (
    <div className={css.filters} role="group" aria-label="Filters">
      <NativeSelect
        size="xs"
        label="Period"
        data={periods}
        value={period}
        onChange={(e) => set({ period: e.currentTarget.value || undefined })}
      />
      <NativeSelect
        size="xs"
        label="Compare with"
        data={COMPARE}
        value={page.filters.compare}
        onChange={(e) => set({ compare: e.currentTarget.value })}
      />
      <NativeSelect
        size="xs"
        label="Segment"
        data={[
          { value: "all", label: "All accounts" },
          ...page.segments.map((s) => ({ value: s.id, label: s.label })),
          { value: "unclassified", label: "Unclassified" },
        ]}
        value={page.filters.segment}
        onChange={(e) => set({ segment: e.currentTarget.value })}
      />
      <NativeSelect
        size="xs"
        label="Owner"
        data={[
          { value: "", label: "Everyone" },
          ...page.owners.map((o) => ({ value: o, label: o })),
          { value: "(none)", label: "Without an owner" },
        ]}
        value={page.filters.owner ?? ""}
        onChange={(e) => set({ owner: e.currentTarget.value || undefined })}
      />
    </div>
  );
}
