import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Button } from "@mantine/core";
import { lazy, Suspense, useMemo, useState } from "react";
import { ApiProblem } from "@/api/problem";
import { useAsOf } from "@/app/asOf";
import { segmentsQuery } from "@/features/segments/queries";
import { money, number } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Views } from "@/features/views/Views";
import { AccountTable } from "./AccountTable";
import css from "./accounts.module.css";
import { ColumnChooser } from "./ColumnChooser";
import { Filters } from "./Filters";
import { accountsQuery, columnsQuery } from "./queries";
import { chosenColumns, DEFAULT_SORT, toQuery, writeColumns, type Search } from "./rules";

const Reassign = lazy(async () => ({ default: (await import("@/features/owners/Reassign")).Reassign }));

/** All accounts: found, filtered, ordered and shown in the columns that the reader chose. */
export function Accounts() {
  const search = useSearch({ from: "/accounts" });
  const navigate = useNavigate({ from: "/accounts" });
  const { asOf } = useAsOf();
  const segments = useQuery(segmentsQuery(asOf));
  const columns = useQuery(columnsQuery);
  const known = useMemo(() => columns.data ?? [], [columns.data]);
  const query = useMemo(() => toQuery(search, asOf, known), [search, asOf, known]);
  const pages = useInfiniteQuery({ ...accountsQuery(query), enabled: columns.data !== undefined });
  const chosen = chosenColumns(search.columns, known);
  const change = (next: Search) => void navigate({ search: (s) => ({ ...s, ...next }), replace: true });

  const first = pages.data?.pages[0];
  const rows = useMemo(() => pages.data?.pages.flatMap((p) => p.items) ?? [], [pages.data]);
  // A filter that the server cannot read is shown at the filter; everything else replaces the table.
  const filterProblem =
    pages.error instanceof ApiProblem && search.filter && pages.error.status >= 400 && pages.error.status < 500
      ? pages.error
      : null;
  const owners = useMemo(
    () => [...new Set(rows.map((r) => r.owner).filter((o): o is string => o !== null))].sort(),
    [rows],
  );
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [giving, setGiving] = useState(false);
  const select = (ids: string[], on: boolean) =>
    setSelected((was) => {
      const next = new Set(was);
      for (const id of ids) {
        if (on) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  const filtered = Boolean(search.q || search.segment || search.owner || search.band || search.filter);

  return (
    <>
      <PageHead
        title="Accounts"
        sub={
          first ? (
            <span role="status">
              {number(first.total, 0)}{" "}
              {search.active === "no"
                ? "churned"
                : search.active === "any"
                  ? "accounts, churned ones too"
                  : "active accounts"}
              {filtered ? " that match" : ""}
              {` · ${money(first.mrr_total, first.currency_default)} MRR · `}
              <Fresh at={first.computed_at} />
            </span>
          ) : filterProblem ? (
            "The filter cannot be read"
          ) : (
            "Loading"
          )
        }
      >
        <Views page="accounts" search={search} />
        <ColumnChooser columns={known} chosen={chosen} choose={(c) => change({ columns: writeColumns(c, known) })} />
      </PageHead>
      <Filters
        search={search}
        change={change}
        segments={segments.data?.segments ?? []}
        owners={owners}
        scored={Boolean(first?.score)}
        problem={filterProblem}
      />
      {selected.size > 0 ? (
        <div className={css.selection} role="status">
          <strong>
            {number(selected.size, 0)} {selected.size === 1 ? "account" : "accounts"} selected
          </strong>
          <Button size="xs" onClick={() => setGiving(true)}>
            Reassign
          </Button>
          <Button size="xs" variant="subtle" onClick={() => setSelected(new Set())}>
            Clear the selection
          </Button>
        </div>
      ) : null}
      {giving ? (
        <Suspense fallback={null}>
          <Reassign
            title={`Reassign ${number(selected.size, 0)} ${selected.size === 1 ? "account" : "accounts"}`}
            what={{ accounts: [...selected] }}
            currency={first?.currency_default ?? null}
            close={() => {
              setGiving(false);
              setSelected(new Set());
            }}
          />
        </Suspense>
      ) : null}
      {filterProblem ? null : (
        <Loaded of={{ ...pages, error: pages.error ?? columns.error }} lines={14}>
          {() =>
            rows.length === 0 ? (
              filtered ? (
                <Empty title="No account matches">
                  Churned accounts are shown only when asked for. Change the search or the filters above.
                </Empty>
              ) : (
                <Empty title="There are no accounts yet">
                  Import them on the Data page, or send events with an account id: each unknown account is created.
                </Empty>
              )
            ) : (
              <AccountTable
                rows={rows}
                total={first?.total ?? rows.length}
                columns={known}
                chosen={chosen}
                score={first?.score ?? null}
                currency={first?.currency_default ?? null}
                sort={search.sort ?? DEFAULT_SORT}
                setSort={(sort) => change({ sort })}
                selected={selected}
                select={select}
                stale={pages.isPlaceholderData}
                more={pages.hasNextPage && !pages.isFetchingNextPage ? () => void pages.fetchNextPage() : null}
              />
            )
          }
        </Loaded>
      )}
    </>
  );
}
