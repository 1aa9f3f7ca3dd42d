import { Button, Drawer, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { DashboardPage, TileDefinition } from "@/api/types";
import { useLater } from "@/shared/useLater";
import { Problem, Skeleton } from "@/shared/ui/State";
import { AccountFields, MetricFields } from "./AccountFields";
import { content, heightOf, widthOf } from "./editing";
import css from "./editing.module.css";
import { KpiFields } from "./KpiFields";
import { previewQuery } from "./queries";
import { SqlFields } from "./SqlFields";
import { TileContent } from "./TileCard";
import { KIND_LABELS, KINDS, missing, ofKind, ofSource, SOURCES, sourceOf, type Source } from "./tileKinds";

type Props = {
  page: DashboardPage;
  tile: TileDefinition;
  isNew: boolean;
  close: () => void;
  done: (tile: TileDefinition) => void;
};

/** A tile being made or changed, with what it shows beside its fields. Nothing is on the page until it is put there. */
export default function TileDrawer({ page, tile: first, isNew, close, done }: Props) {
  const [tile, setTile] = useState(first);
  const [source, setSource] = useState<Source>(() => sourceOf(first));
  const [ran, setRan] = useState<TileDefinition | null>(isNew || source !== "sql" ? null : first);
  const later = useLater(tile, 400);
  const set = (fields: Partial<TileDefinition>) => setTile((t) => ({ ...t, ...fields }));
  const lacking = missing(tile);
  // A query runs when it is told to; everything else shows itself.
  const shown = source === "sql" ? ran && { ...tile, sql: ran.sql } : later;
  const asked = shown && !missing(shown) ? [{ ...shown, id: "shown" }] : [];
  const filters = {
    segment: page.filters.segment,
    owner: page.filters.owner ?? undefined,
    period: page.filters.period ?? undefined,
    compare: page.filters.compare,
    as_of: page.as_of,
  };
  const trial = useQuery(previewQuery(asked.map(content).join(), asked, filters));
  const data = asked.length > 0 ? trial.data?.tiles[0] : undefined;
  const run = () => {
    setRan(tile);
    if (ran?.sql === tile.sql) void trial.refetch();
  };
  const props = { tile, set };
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(760px, 100vw)"
      title={<strong>{isNew ? "Add a tile" : "Change the tile"}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        className={css.form}
        onSubmit={(e) => {
          e.preventDefault();
          done({ ...tile, title: tile.title?.trim() || (tile.kind === "text" ? "" : (data?.title ?? "")) });
        }}
      >
        <SegmentedControl
          size="xs"
          aria-label="Made from"
          value={source}
          onChange={(v) => {
            const next = SOURCES.find((s) => s.value === v)?.value ?? "kpi";
            setSource(next);
            setTile((t) => ofSource(t, next));
            setRan(null);
          }}
          data={SOURCES}
        />
        {source === "text" ? null : (
          <NativeSelect
            size="xs"
            label="Shown as"
            value={tile.kind}
            onChange={(e) => {
              const kind = KINDS[source].find((k) => k === e.currentTarget.value);
              if (kind) setTile((t) => ofKind(t, kind));
            }}
            data={KINDS[source].map((k) => ({ value: k, label: KIND_LABELS[k] }))}
          />
        )}
        {source === "kpi" ? <KpiFields {...props} /> : null}
        {source === "metric" ? <MetricFields {...props} /> : null}
        {source === "accounts" ? <AccountFields {...props} /> : null}
        {source === "sql" ? <SqlFields {...props} run={run} running={trial.isFetching} /> : null}
        {source === "text" ? (
          <Textarea
            size="xs"
            label="Text"
            autosize
            minRows={4}
            maxLength={5000}
            value={tile.text ?? ""}
            onChange={(e) => set({ text: e.currentTarget.value })}
          />
        ) : null}
        <TextInput
          size="xs"
          label="Title"
          placeholder={data?.title || undefined}
          maxLength={120}
          value={tile.title ?? ""}
          onChange={(e) => set({ title: e.currentTarget.value })}
        />
        <TextInput
          size="xs"
          label="What it says"
          maxLength={500}
          value={tile.description ?? ""}
          onChange={(e) => set({ description: e.currentTarget.value })}
        />
        <section className={css.preview} aria-label="Preview" aria-busy={trial.isFetching}>
          {lacking ? <p className="dim">{lacking}</p> : null}
          {!lacking && source === "sql" && !ran ? <p className="dim">Run the query to see its answer.</p> : null}
          {trial.error && asked.length > 0 ? <Problem inline error={trial.error} /> : null}
          {trial.isFetching && !data ? <Skeleton lines={4} /> : null}
          {data && shown ? (
            <div
              className={css.shown}
              style={{ "--h": heightOf(shown), "--w": widthOf(shown) } as React.CSSProperties}
              data-preview
            >
              <TileContent tile={data} page={page} open={() => undefined} table={false} />
              {data.note && data.state === "ready" ? <p className="dim small">{data.note}</p> : null}
            </div>
          ) : null}
        </section>
        <div className={css.row}>
          <Button type="submit" disabled={lacking !== null || (asked.length > 0 && trial.error !== null)}>
            {isNew ? "Put it on the page" : "Take the change"}
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        </div>
      </form>
    </Drawer>
  );
}
