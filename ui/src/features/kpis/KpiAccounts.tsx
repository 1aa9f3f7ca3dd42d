import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useAsOf } from "@/app/asOf";
import { money, number } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import type { Side } from "@/api/types";
import { useCurrency } from "./currency";
import css from "./kpis.module.css";
import { kpiAccountsQuery } from "./queries";
import type { Line } from "./rules";

const SIDES: { value: Side; label: string; caption: string }[] = [
  { value: "numerator", label: "In the numerator", caption: "Accounts in the numerator" },
  { value: "rest", label: "Only in the denominator", caption: "Accounts only in the denominator" },
  { value: "denominator", label: "All that count", caption: "All accounts that count" },
];

/** The accounts in the numerator or the denominator of a figure. */
export function KpiAccounts({ line, scope }: { line: Line; scope: string }) {
  const { asOf } = useAsOf();
  const currency = useCurrency();
  const [side, setSide] = useState<Side>("numerator");
  const pages = useInfiniteQuery(kpiAccountsQuery(line.kpi, scope, side, asOf));
  const show = (v: number) => (line.unit === "money" ? money(v, currency) : number(v, 2));
  return (
    <section>
      <h3>Accounts behind it</h3>
      <div className={css.controls}>
        <SegmentedControl
          size="xs"
          aria-label="Side"
          value={side}
          onChange={(v) => setSide(SIDES.find((s) => s.value === v)?.value ?? "numerator")}
          data={SIDES}
        />
        {pages.data ? <span className="dim">{number(pages.data.pages[0]?.total ?? 0)} accounts</span> : null}
      </div>
      <Loaded of={pages} lines={6}>
        {(data) => {
          const rows = data.pages.flatMap((p) => p.items);
          if (rows.length === 0) return <Empty title={"No account is here"} />;
          return (
            <>
              <DataTable
                caption={SIDES.find((s) => s.value === side)?.caption ?? ""}
                rows={rows}
                rowKey={(r) => r.account_id}
                cols={[
                  {
                    label: "Account",
                    show: (r) =>
                      r.account_id ? (
                        <Link to="/accounts/$id" params={{ id: r.account_id }}>
                          {r.name}
                        </Link>
                      ) : (
                        r.name
                      ),
                  },
                  { label: "Segment", show: (r) => <SegmentChip id={r.segment || null} /> },
                  { label: "Numerator", num: true, show: (r) => show(r.numerator) },
                  { label: "Denominator", num: true, show: (r) => show(r.denominator) },
                ]}
              />
              {pages.hasNextPage ? (
                <Button
                  mt="sm"
                  size="xs"
                  variant="default"
                  loading={pages.isFetchingNextPage}
                  onClick={() => void pages.fetchNextPage()}
                >
                  Show more
                </Button>
              ) : null}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}
