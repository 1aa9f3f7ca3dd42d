import { Button, Menu, NativeSelect } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { api, take } from "@/api/client";
import type { Side } from "@/api/types";
import { useMayEdit } from "@/features/program/useWorking";
import { number, sides } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { Problem, Skeleton } from "@/shared/ui/State";
import css from "./dashboards.module.css";
import { save, type Sheet } from "./exporting";
import { useNames } from "./KpiFields";
import { previewQuery, type KpiPoint } from "./queries";
import { show } from "./rules";

const SaveSegment = lazy(() => import("./SaveSegment"));

type Tools = {
  title: string;
  total: number;
  condition: string | null;
  ids: () => Promise<string[]>;
  file: (format: Sheet) => Promise<unknown>;
};

/** A list of accounts as a file or as a segment. */
export function DrillTools({ title, total, condition, ids, file }: Tools) {
  const mayEdit = useMayEdit();
  const [keeping, setKeeping] = useState(false);
  const run = useMutation({
    mutationFn: async (format: Sheet) => {
      const content = (await file(format)) as Blob;
      save(`${title.replace(/[^\w.-]+/g, "-")}.${format}`, content);
    },
  });
  return (
    <>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <Button size="xs" variant="default" disabled={total === 0} loading={run.isPending}>
            Save the list
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => run.mutate("csv")}>CSV</Menu.Item>
          <Menu.Item onClick={() => run.mutate("xlsx")}>Excel (XLSX)</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {mayEdit ? (
        <Button size="xs" variant="default" disabled={total === 0} onClick={() => setKeeping(true)}>
          Save as a segment
        </Button>
      ) : null}
      {run.error ? <Problem inline error={run.error} /> : null}
      {keeping ? (
        <Suspense>
          <SaveSegment condition={condition} total={total} ids={ids} close={() => setKeeping(false)} />
        </Suspense>
      ) : null}
    </>
  );
}

/** The accounts on a side of a KPI's point, as a file. */
export const pointFile = (point: KpiPoint, side: Side) => (format: Sheet) => {
  const { kpi: id, ...query } = point;
  return take(
    api.GET("/api/v1/exports/kpis/{id}/accounts/{format}", {
      params: { path: { id, format }, query: { ...query, side } },
      parseAs: "blob",
    }),
  );
};

/** The accounts that a condition chooses, as a file. */
export const chosenFile = (filter: string, asOf: string | undefined, active: string) => (format: Sheet) =>
  take(
    api.GET("/api/v1/exports/accounts/{format}", {
      params: { path: { format }, query: { filter, as_of: asOf, active } },
      parseAs: "blob",
    }),
  );

/** The point's figure split by something that accounts have; a part opens its own accounts. */
export function Split({
  point,
  currency,
  open,
}: {
  point: KpiPoint;
  currency: string;
  open: (by: string, scope: string) => void;
}) {
  const { splits } = useNames();
  const [by, setBy] = useState("");
  const tiles = by ? [{ id: "split", kind: "bar" as const, title: "Split", kpis: [point.kpi], by, limit: 50 }] : [];
  const filters = { as_of: point.as_of, segment: point.segment ?? "all", owner: point.owner, compare: "none" };
  const answer = useQuery(previewQuery(`${point.kpi} ${by}`, tiles, filters));
  const tile = by ? answer.data?.tiles[0] : undefined;
  const series = tile?.series[0];
  return (
    <div>
      <NativeSelect
        size="xs"
        label="Split by"
        w={220}
        value={by}
        onChange={(e) => setBy(e.currentTarget.value)}
        data={[{ value: "", label: "Nothing" }, ...splits]}
      />
      {answer.error && by ? <Problem inline error={answer.error} /> : null}
      {by && answer.isPending ? <Skeleton lines={3} /> : null}
      {tile && tile.state !== "ready" ? <p className="dim">{tile.note}</p> : null}
      {tile && series ? (
        <DataTable
          caption={`Split by ${splits.find((g) => g.value === by)?.label ?? by}`}
          rows={tile.axis.map((a, at) => ({ ...a, at }))}
          rowKey={(r) => r.key}
          cols={[
            {
              label: "Part",
              show: (r) => (
                <button type="button" className={css.link} onClick={() => open(by, r.key)}>
                  {r.label}
                </button>
              ),
            },
            { label: "Figure", num: true, show: (r) => show(tile, series.values[r.at], currency) },
            {
              label: "Made of",
              num: true,
              show: (r) =>
                sides(series.numerators[r.at] ?? null, series.denominators[r.at] ?? null, tile.unit ?? "number") ??
                number(series.values[r.at] ?? null, 0),
            },
          ]}
        />
      ) : null}
    </div>
  );
}
