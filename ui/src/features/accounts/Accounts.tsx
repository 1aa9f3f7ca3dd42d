import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiProblem } from "@/api/problem";
import { useAsOf } from "@/app/asOf";
import { segmentsQuery } from "@/features/segments/queries";
import { money, number } from "@/shared/format";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { AccountTable } from "./AccountTable";
import { ColumnChooser } from "./ColumnChooser";
import { Filters } from "./Filters";
import { accountsQuery } from "./queries";
import { chosenColumns, toQuery, writeColumns, type Search } from "./rules";

/** All accounts: found, filtered, ordered and shown in the columns that the reader chose. */
export function Accounts() {
  const search = useSearch({ from: "/accounts" });
  const navigate = useNavigate({ from: "/accounts" });
  const { asOf } = useAsOf();
  const segments = useQuery(segmentsQuery(asOf));
  const query = useMemo(() => toQuery(search, asOf, undefined), [search, asOf]);
  const pages = useInfiniteQuery(accountsQuery(query));
  const change = (next: Search) => void navigate({ search: (s) => ({ ...s, ...next }), replace: true });

  const first = pages.data?.pages[0];
  const rows = useMemo(() => pages.data?.pages.flatMap((p) => p.items) ?? [], [pages.data]);
  // A filter that the server cannot read is shown at the filter; everything else replaces the table.
  const filterProblem = pages.error instanceof ApiProblem && search.filter && pages.error.status >= 400 && pages.error.status < 500 ? pages.error : null;
  const owners = useMemo(() => [...new Set(rows.map((r) => r.owner).filter((o): o is string => o !== null))].sort(), [rows]);
  const filtered = Boolean(search.q || search.segment || search.owner || search.active || search.filter);

  return (
    <>
      <PageHead title="Accounts" sub={first ? (
        <span role="status">
          {number(first.total, 0)} {filtered ? "match" : "accounts"}
          {first.mrr_total !== undefined && first.mrr_total !== null ? ` · ${money(first.mrr_total, first.items[0]?.currency)} MRR` : ""}
        </span>
      ) : filterProblem ? "The filter cannot be read" : "Loading"}>
        <ColumnChooser columns={first?.columns ?? []} chosen={chosenColumns(search.columns)} choose={(c) => change({ columns: writeColumns(c) })} />
      </PageHead>
      <Filters search={search} change={change} segments={segments.data?.segments ?? []} owners={owners} problem={filterProblem} />
      {filterProblem ? null : (
        <Loaded of={{ ...pages, error: pages.error }} lines={14}>
          {() => rows.length === 0 ? (
            filtered
              ? <Empty title="No account matches">Change the search or the filters above.</Empty>
              : <Empty title="There are no accounts yet">Import them on the Data page, or send events with an account id: each unknown account is created.</Empty>
          ) : (
            <AccountTable rows={rows} total={first?.total ?? rows.length} columns={first?.columns ?? []} chosen={chosenColumns(search.columns)}
              sort={search.sort} setSort={(sort) => change({ sort })} stale={pages.isPlaceholderData}
              more={pages.hasNextPage && !pages.isFetchingNextPage ? () => void pages.fetchNextPage() : null} />
          )}
        </Loaded>
      )}
    </>
  );
}
