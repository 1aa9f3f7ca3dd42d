import { Button, Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useAsOf } from "@/app/asOf";
import { AccuracyLine } from "@/features/models/AccuracyLine";
import { ownerName } from "@/features/owners/names";
import { Views } from "@/features/views/Views";
import { day } from "@/shared/days";
import { money, number } from "@/shared/format";
import { Choice } from "@/shared/ui/Choice";
import { Fresh } from "@/shared/ui/Fresh";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import { Delta, Points, Way } from "./Bits";
import { Distribution, Groups, Movement } from "./Figures";
import { MovementProof } from "./MovementProof";
import { scoresQuery, type ScoreLine, type ScoreList } from "./queries";
import { BAND_LABEL, BANDS, signed } from "./rules";
import css from "./scores.module.css";

const ModelEditor = lazy(async () => ({ default: (await import("./ModelEditor")).ModelEditor }));

const SORTS = [
  { value: "points", label: "Lowest score first" },
  { value: "change", label: "Greatest decline first" },
  { value: "velocity", label: "Falling fastest first" },
  { value: "-mrr", label: "Greatest MRR first" },
  { value: "-points", label: "Highest score first" },
];
const STATES = [
  { value: "falling", label: "Falling" },
  { value: "rising", label: "Rising" },
  { value: "steady", label: "Steady" },
  { value: "unsure", label: "Unsure" },
];

/** How well all accounts are doing, who moved, and who needs somebody. */
export function Health() {
  const search = useSearch({ from: "/health" });
  const { asOf } = useAsOf();
  const { score, segment, owner, band, was, state, sort } = search;
  const answer = useInfiniteQuery(scoresQuery({ score, segment, owner, band, was, state, sort, as_of: asOf }));
  const navigate = useNavigate({ from: "/health" });
  const first = answer.data?.pages[0];
  return (
    <>
      <PageHead
        title={first?.score?.label ?? "Health"}
        sub={
          first?.score ? (
            <>
              {first.score.description} As of {day(first.as_of)}, compared with {day(first.compare_to)} ·{" "}
              <Fresh at={first.computed_at} />
            </>
          ) : (
            "How well accounts are doing, and which way they move."
          )
        }
      >
        <Button component={Link} to="/accuracy" size="xs" variant="default">
          Accuracy
        </Button>
        {first?.score && !asOf ? (
          <Button
            size="xs"
            variant="default"
            aria-expanded={search.edit !== undefined}
            onClick={() => void navigate({ search: (s) => ({ ...s, edit: s.edit ? undefined : "first" }) })}
          >
            {search.edit ? "Close the model" : "Model"}
          </Button>
        ) : null}
        <Views page="health" search={search} />
      </PageHead>
      <Loaded of={answer} lines={12}>
        {(data) => {
          const whole = data.pages[0];
          if (!whole?.score)
            return (
              <Empty title="This program declares no score">
                A score is written in <Link to="/definitions">scores.yaml</Link>: groups of metrics, each with a curve
                and a weight.
              </Empty>
            );
          const items = data.pages.flatMap((page) => page.items);
          return (
            <Body
              whole={whole}
              items={items}
              more={answer.hasNextPage ? () => void answer.fetchNextPage() : null}
              loading={answer.isFetchingNextPage}
            />
          );
        }}
      </Loaded>
    </>
  );
}

function Body({
  whole,
  items,
  more,
  loading,
}: {
  whole: ScoreList;
  items: ScoreLine[];
  more: (() => void) | null;
  loading: boolean;
}) {
  const search = useSearch({ from: "/health" });
  const navigate = useNavigate({ from: "/health" });
  const change = (next: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...next }) });
  const { bands, average, average_before: before } = whole;
  return (
    <>
      {whole.ready ? null : (
        <p className={css.note} role="status">
          Scores of earlier days are being computed; changes and movements follow.
        </p>
      )}
      {whole.score ? <AccuracyLine score={whole.score.id} /> : null}
      <div className={css.filters}>
        {whole.scores.length > 1 ? (
          <Select
            aria-label="Score"
            value={search.score ?? whole.score?.id ?? null}
            data={whole.scores.map((s) => ({ value: s.id, label: s.label }))}
            allowDeselect={false}
            onChange={(v) => change({ score: v ?? undefined })}
            w={220}
          />
        ) : null}
        <Choice
          label="Segment"
          any="Any segment"
          value={search.segment}
          data={[
            ...new Map(
              [
                ...whole.segments.map((s) => [s.id, s.label] as const),
                ...(search.segment ? [[search.segment, search.segment] as const] : []),
              ].reverse(),
            ),
          ].map(([value, label]) => ({ value, label }))}
          change={(segment) => change({ segment })}
          width={170}
        />
        <Choice
          label="Moves"
          any="Moving any way"
          value={search.state}
          data={STATES}
          change={(state) => change({ state })}
          width={170}
        />
        {search.owner || search.was ? (
          <Button variant="default" onClick={() => change({ owner: undefined, was: undefined })}>
            {search.owner ? `Owner ${search.owner}` : ""}
            {search.owner && search.was ? ", " : ""}
            {search.was ? `was ${search.was === "none" ? "without a score" : search.was}` : ""}: show all
          </Button>
        ) : null}
      </div>
      <div className={css.cards}>
        <div className={css.card}>
          <span>Average</span>
          <strong>{average === null ? "No data" : number(average, 1)}</strong>
          <span>
            {average !== null && before !== null
              ? `${signed(average - before)} points since ${day(whole.compare_to)}`
              : "nothing to compare with"}
          </span>
        </div>
        {BANDS.map((name) => (
          <button
            key={name}
            type="button"
            className={css.card}
            aria-pressed={search.band === name}
            onClick={() => change({ band: search.band === name ? undefined : name })}
          >
            <span>{BAND_LABEL[name]}</span>
            <strong>{number(bands[name], 0)}</strong>
            <span>{name === "none" ? "too new, or too little data" : edge(name, whole)}</span>
          </button>
        ))}
      </div>
      {search.edit && whole.score ? (
        <Suspense fallback={null}>
          <ModelEditor score={whole.score.id} />
        </Suspense>
      ) : null}
      <div className={css.columns}>
        <Distribution whole={whole} />
        <Movement whole={whole} open={(from, to) => change({ was: from, band: to })} />
        <Groups
          title="By segment"
          groups={whole.segments}
          name={(g) => <SegmentChip id={g.id} label={g.id === g.label ? undefined : g.label} />}
          open={(id) => change({ segment: id })}
        />
        <Groups
          title="By owner"
          groups={whole.owners.slice(0, 12)}
          name={(g) => (g.id === "(none)" ? "No owner" : ownerName(g.label))}
          open={(id) => change({ owner: id })}
        />
      </div>
      <div className={css.under}>
        <MovementProof score={search.score} segment={search.segment} />
      </div>
      <Panel
        title="Accounts"
        flush
        aside={
          <Select
            aria-label="Order"
            size="xs"
            value={search.sort ?? "points"}
            data={SORTS}
            allowDeselect={false}
            onChange={(v) => change({ sort: v === "points" ? undefined : (v ?? undefined) })}
            w={190}
          />
        }
      >
        {items.length === 0 ? (
          <Empty title="No account is like that">Take a filter away to see more.</Empty>
        ) : (
          <DataTable
            caption="Accounts by score"
            rows={items}
            rowKey={(i) => i.account_id}
            cols={[
              {
                label: "Account",
                show: (i) => (
                  <Link to="/accounts/$id" params={{ id: i.account_id }} search={(s) => ({ as_of: s.as_of })}>
                    {i.name}
                  </Link>
                ),
              },
              { label: "Segment", show: (i) => <SegmentChip id={i.segment} /> },
              { label: "Score", num: true, show: (i) => <Points points={i.points} band={i.band} /> },
              { label: "30 days", num: true, show: (i) => <Delta now={i.points} before={i.before} /> },
              { label: "Moves", show: (i) => <Way velocity={i.velocity} /> },
              { label: "MRR", num: true, show: (i) => money(i.mrr, whole.currency) },
              { label: "Owner", show: (i) => (i.owner ? <span title={i.owner}>{ownerName(i.owner)}</span> : "–") },
              {
                label: "What costs most",
                show: (i) =>
                  i.reasons.map((r) => (
                    <div key={r} className={css.reason}>
                      {r}
                    </div>
                  )),
              },
            ]}
          />
        )}
        {more ? (
          <div className={css.more}>
            <Button size="xs" variant="default" loading={loading} onClick={more}>
              Show more of {number(whole.total, 0)}
            </Button>
          </div>
        ) : null}
      </Panel>
    </>
  );
}

function edge(name: "green" | "yellow" | "red", whole: ScoreList): string {
  const { green, yellow } = whole.score ?? { green: 75, yellow: 50 };
  if (name === "green") return `${number(green, 0)} and above`;
  if (name === "yellow") return `${number(yellow, 0)} to ${number(green, 0)}`;
  return `below ${number(yellow, 0)}`;
}
