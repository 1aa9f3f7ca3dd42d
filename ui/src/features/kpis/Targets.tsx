import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { Target } from "@/api/types";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { figure, percent, words } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { programQuery } from "@/features/program/queries";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { Views } from "@/features/views/Views";
import { SegmentChip } from "@/shared/ui/Segment";
import { StatusBadge } from "@/shared/ui/Status";
import { Empty, Loaded } from "@/shared/ui/State";
import css from "./kpis.module.css";
import { Outlook, StatusStrip } from "./Outlook";
import { outlookQuery, targetsQuery } from "./queries";
import { TargetDrawer } from "./TargetDrawer";
import { TargetFilters } from "./TargetFilters";
import { conflictsOf, matching } from "./targets";

/** Every target of every source, with the pairs that contradict each other side by side. */
export function Targets() {
  const { asOf } = useAsOf();
  const targets = useQuery(targetsQuery(asOf));
  const outlooks = useQuery(outlookQuery(asOf));
  const outlookOf = (id: string) => outlooks.data?.targets.find((o) => o.id === id);
  const search = useSearch({ from: "/targets" });
  const { target } = search;
  const navigate = useNavigate({ from: "/targets" });
  const open = (id: string | undefined) => void navigate({ search: (s) => ({ ...s, target: id }) });
  const program = useQuery(programQuery);
  const show = (t: Target, v: number | null) => figure(v, t.unit, program.data?.currency);
  return (
    <>
      <PageHead title="Targets" sub="A goal, held from a frozen baseline to a deadline, with its source.">
        <Views page="targets" search={search} />
      </PageHead>
      <Loaded of={targets} lines={12}>
        {({ targets: declared }) => {
          if (declared.length === 0)
            return (
              <Empty title="No target is declared">
                Targets are part of the program: file <code>targets.yaml</code>.
              </Empty>
            );
          const all = matching(declared, search);
          // A conflict stays whole: both sides are shown as soon as one of them matches.
          const pairs = conflictsOf(declared).filter((group) => group.some((t) => all.includes(t)));
          return (
            <div className={css.groups}>
              <TargetFilters
                targets={declared}
                search={search}
                change={(next) => void navigate({ search: (s) => ({ ...s, ...next }), replace: true })}
              />
              {pairs.length > 0 ? (
                <Panel
                  title={`${pairs.length} ${pairs.length === 1 ? "conflict" : "conflicts"} between sources`}
                  aside={<span className="dim">Both are kept; nothing is settled silently.</span>}
                >
                  <div className={css.pairs}>
                    {pairs.map((group) => (
                      <article key={group.map((t) => t.id).join()} className={css.pair}>
                        <h3>
                          <Icon name="conflict" /> {group[0]?.kpi_label}{" "}
                          <span className="dim">
                            {[...new Set(group.map((t) => (t.scope === "all" ? "all accounts" : words(t.scope))))].join(
                              " and ",
                            )}
                          </span>
                        </h3>
                        <div className={css.sides}>
                          {group.map((t) => (
                            <div key={t.id}>
                              <strong>{t.goal === null ? "goal after the baseline" : show(t, t.goal)}</strong>{" "}
                              <span className="dim">
                                {t.scope === "all" ? "all accounts, " : `${words(t.scope)}, `}by {day(t.deadline)}, from{" "}
                                {show(t, t.baseline)}
                              </span>
                              <div className={css.target}>
                                <StatusBadge status={t.status} />
                                <span className="small dim">{t.source}</span>
                              </div>
                              <Outlook of={outlookOf(t.id)} unit={t.unit} currency={program.data?.currency ?? null} />{" "}
                              <button type="button" className={css.link} onClick={() => open(t.id)}>
                                Open
                              </button>
                            </div>
                          ))}
                        </div>
                      </article>
                    ))}
                  </div>
                </Panel>
              ) : null}
              <Panel
                title={
                  all.length === declared.length
                    ? `${all.length} targets`
                    : `${all.length} of ${declared.length} targets`
                }
                flush
              >
                {all.length === 0 ? (
                  <Empty title="No target is like that">Take a filter away to see more.</Empty>
                ) : null}
                <DataTable
                  caption="Targets"
                  rows={all}
                  rowKey={(t) => t.id}
                  cols={[
                    {
                      label: "Target",
                      show: (t) => (
                        <button type="button" className={css.link} onClick={() => open(t.id)}>
                          {t.label}
                        </button>
                      ),
                    },
                    {
                      label: "Scope",
                      show: (t) => (t.scope === "all" ? "All accounts" : <SegmentChip id={t.scope} />),
                    },
                    { label: "Status", show: (t) => <StatusBadge status={t.status} /> },
                    { label: "So far", show: (t) => <StatusStrip points={outlookOf(t.id)?.history ?? []} /> },
                    { label: "Value", num: true, show: (t) => <strong>{show(t, t.value)}</strong> },
                    {
                      label: "Expected by now",
                      num: true,
                      show: (t) => (t.expected === null ? "–" : show(t, t.expected)),
                    },
                    {
                      label: "Baseline",
                      num: true,
                      show: (t) =>
                        t.baseline === null ? (
                          <span className="dim">not frozen yet</span>
                        ) : (
                          <span
                            title={
                              t.frozen_at
                                ? `Frozen ${t.baseline_source === "by_hand" ? "by hand " : ""}${day(t.frozen_at)}`
                                : undefined
                            }
                          >
                            {show(t, t.baseline)} <span className="dim small">{day(t.baseline_on, "month")}</span>
                          </span>
                        ),
                    },
                    {
                      label: "Goal",
                      num: true,
                      show: (t) => (
                        <span
                          title={
                            t.goal_kind === "value"
                              ? undefined
                              : `Stated as ${t.goal_kind === "points" ? `${t.goal_stated} points` : percent(t.goal_stated)}`
                          }
                        >
                          {t.goal === null ? "after the baseline" : show(t, t.goal)}
                        </span>
                      ),
                    },
                    {
                      label: "At the deadline",
                      show: (t) => (
                        <Outlook of={outlookOf(t.id)} unit={t.unit} currency={program.data?.currency ?? null} />
                      ),
                    },
                    { label: "Deadline", show: (t) => <span className="nowrap">{day(t.deadline)}</span> },
                    {
                      label: "Source",
                      show: (t) => (
                        <span className="small dim" title={t.description || undefined}>
                          {t.source}
                        </span>
                      ),
                    },
                  ]}
                />
              </Panel>
            </div>
          );
        }}
      </Loaded>
      {target ? (
        <TargetDrawer
          key={target}
          id={target}
          asOf={asOf}
          currency={program.data?.currency ?? null}
          close={() => open(undefined)}
        />
      ) : null}
    </>
  );
}
