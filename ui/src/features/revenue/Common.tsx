import { Button, Drawer, SegmentedControl } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { day } from "@/shared/days";
import { number } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { Loaded } from "@/shared/ui/State";
import css from "./revenue.module.css";

/** The day and the freshness of what is shown, and the file of it. */
export function Stand({ asOf, computedAt, csv }: { asOf: string; computedAt: string; csv: string }) {
  return (
    <div className={css.stand}>
      <span className="dim">
        Figures up to {day(asOf, "long")} · <Fresh at={computedAt} />
      </span>
      <Csv href={csv} />
    </div>
  );
}

/** The same rows as a file for a spreadsheet. */
export function Csv({ href, label = "CSV" }: { href: string; label?: string }) {
  return (
    <Button component="a" href={href} download size="xs" variant="default" leftSection={<Icon name="out" size={14} />}>
      {label}
    </Button>
  );
}

/** The one currency that a chart speaks of, where accounts pay in several. */
export function CurrencyPick({ all, value }: { all: string[]; value: string }) {
  const navigate = useNavigate({ from: "/revenue" });
  if (all.length < 2) return null;
  return (
    <SegmentedControl
      size="xs"
      aria-label="Currency"
      value={value}
      onChange={(v) => void navigate({ search: (s) => ({ ...s, currency: v === all[0] ? undefined : v }) })}
      data={all}
    />
  );
}

/** A choice that is kept in the address under one name. */
export function Pick({
  name,
  label,
  options,
  otherwise,
}: {
  name: "grain" | "by" | "basis" | "measure" | "outcome" | "months";
  label: string;
  options: { value: string; label: string }[];
  otherwise: string;
}) {
  const search = useSearch({ from: "/revenue" });
  const navigate = useNavigate({ from: "/revenue" });
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      value={search[name] ?? otherwise}
      onChange={(v) =>
        void navigate({
          search: (s) => ({
            ...s,
            [name]: v === otherwise ? undefined : v,
            value: undefined,
            step: undefined,
            ...(name === "grain" || name === "months" ? { period: undefined } : {}),
          }),
        })
      }
      data={options}
    />
  );
}

type Page<T> = { items: T[]; total: number };
type Answer<T> = {
  data: { pages: Page<T>[] } | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
};

/** A list of accounts behind a figure, a page at a time. */
export function Rows<T>({
  of,
  children,
  empty,
}: {
  of: Answer<T>;
  children: (rows: T[], total: number) => ReactNode;
  empty: ReactNode;
}) {
  return (
    <Loaded of={of} lines={6}>
      {(data) => {
        const rows = data.pages.flatMap((p) => p.items);
        if (rows.length === 0) return empty;
        return (
          <>
            {children(rows, data.pages[0]?.total ?? rows.length)}
            {of.hasNextPage ? (
              <Button
                m="sm"
                size="xs"
                variant="default"
                loading={of.isFetchingNextPage}
                onClick={() => void of.fetchNextPage()}
              >
                Show more
              </Button>
            ) : null}
          </>
        );
      }}
    </Loaded>
  );
}

/** The accounts behind a figure, beside the page. */
export function Behind({
  title,
  csv,
  total,
  close,
  children,
}: {
  title: string;
  csv: string;
  total: number | undefined;
  close: () => void;
  children: ReactNode;
}) {
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(860px, 100vw)"
      title={<strong>{title}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={css.stand}>
        <span className="dim">{total === undefined ? "" : `${number(total, 0)} accounts`}</span>
        <Csv href={csv} />
      </div>
      <div className={css.scroll}>{children}</div>
    </Drawer>
  );
}

export function AccountLink({ id, name }: { id: string; name: string }) {
  return (
    <Link to="/accounts/$id" params={{ id }}>
      {name}
    </Link>
  );
}

/** A figure with what it is of. */
export function Fact({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div className={css.fact}>
      <span className="dim small">{label}</span>
      <strong>{value}</strong>
      <span className="dim small">{note}</span>
    </div>
  );
}
