import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { ApiProblem } from "@/api/problem";
import type { KpisAnswer, Status } from "@/api/types";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { words } from "@/shared/format";
import { sessionQuery } from "@/features/auth/queries";
import { programQuery } from "@/features/program/queries";
import { Views } from "@/features/views/Views";
import { FirstSteps, StepsLeft } from "@/features/setup/FirstSteps";
import { useRowKeys } from "@/shared/useRowKeys";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { PageHead } from "@/shared/ui/Panel";
import { segmentColor } from "@/shared/ui/Segment";
import { STATUS } from "@/shared/ui/Status";
import { Empty, Loaded } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import { Currency } from "./currency";
import { KpiDrawer } from "./KpiDrawer";
import { KpiLine } from "./KpiLine";
import css from "./kpis.module.css";
import { kpisQuery } from "./queries";
import { countStatuses, groupKpis, type Line } from "./rules";

const ORDER: Status[] = ["behind", "at_risk", "on_track", "met", "no_data"];

/** Where the company stands: every KPI with its value, target, trend and segments. */
export function Overview() {
  const { asOf } = useAsOf();
  const search = useSearch({ from: "/" });
  const answer = useQuery(kpisQuery(asOf));
  const currency = useQuery(programQuery).data?.currency ?? null;
  const session = useQuery(sessionQuery).data;
  const leads = session?.user.role === "admin" && !session.preferences.first_steps_hidden;
  const empty = answer.error instanceof ApiProblem && answer.error.status === 409;
  return (
    <>
      <PageHead
        title="Overview"
        sub={
          answer.data ? (
            <>
              Figures up to {day(answer.data.as_of, "long")} · <Fresh at={answer.data.computed_at} />
            </>
          ) : (
            "Every figure against its target"
          )
        }
      >
        {empty ? null : <Views page="overview" search={search} />}
      </PageHead>
      {empty ? (
        <div style={{ maxWidth: 760, marginBottom: 16 }}>
          <FirstSteps />
        </div>
      ) : null}
      {leads && !empty ? <StepsLeft /> : null}
      {empty ? null : (
        <Loaded of={answer} lines={14}>
          {(data) => (
            <Currency value={currency}>
              <Figures data={data} />
            </Currency>
          )}
        </Loaded>
      )}
    </>
  );
}

function Figures({ data }: { data: KpisAnswer }) {
  const { kpi, scope, status } = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const list = useRef<HTMLDivElement>(null);
  useRowKeys(list);
  const { groups, segments } = useMemo(() => groupKpis(data.kpis), [data.kpis]);
  const counts = useMemo(() => countStatuses(data.kpis), [data.kpis]);
  const open = (line: Line, inScope = "all") =>
    void navigate({ search: (s) => ({ ...s, kpi: line.kpi, scope: inScope }) });
  const wanted = status as Status | undefined;
  const shown = groups
    .map((g) => ({ ...g, lines: wanted ? g.lines.filter((l) => l.statuses.has(wanted)) : g.lines }))
    .filter((g) => g.lines.length > 0);
  const opened = groups.flatMap((g) => g.lines).find((l) => l.kpi === kpi);

  if (data.kpis.length === 0) {
    return (
      <Empty title="No KPI is declared">
        The program that is applied declares no KPI.{" "}
        <Link to="/settings" search={{ tab: "program" }}>
          See the program
        </Link>
      </Empty>
    );
  }
  return (
    <>
      <div className={css.summary} role="group" aria-label="Targets by status">
        {ORDER.map((s) => (
          <button
            key={s}
            type="button"
            aria-pressed={wanted === s}
            className={`${css.count} ${ui[s]}`}
            onClick={() => void navigate({ search: (old) => ({ ...old, status: wanted === s ? undefined : s }) })}
          >
            <Icon name={STATUS[s].icon} /> <strong>{counts[s]}</strong> {STATUS[s].label.toLowerCase()}
          </button>
        ))}
        {wanted ? (
          <button
            type="button"
            className={css.clear}
            onClick={() => void navigate({ search: (old) => ({ ...old, status: undefined }) })}
          >
            Show all
          </button>
        ) : null}
      </div>
      <div ref={list} className={css.groups} style={{ "--segments": segments.length } as React.CSSProperties}>
        {shown.map((g) => (
          <section key={g.title} className={ui.panel} aria-label={g.title}>
            <div className={css.head}>
              <h2>{g.title}</h2>
              <span>All accounts</span>
              <span>13 months</span>
              <span>Target</span>
              {segments.map((s) => (
                <span key={s} className={css.segHead}>
                  <span className={ui.dot} style={{ background: segmentColor(s) }} /> {words(s)}
                </span>
              ))}
            </div>
            {g.lines.map((l) => (
              <KpiLine key={l.kpi} line={l} trend={data.trends[l.kpi] ?? []} segments={segments} open={open} />
            ))}
          </section>
        ))}
        {shown.length === 0 ? (
          <Empty title="No figure has this status">Choose another status, or show all.</Empty>
        ) : null}
      </div>
      {opened ? (
        <KpiDrawer
          line={opened}
          scope={scope ?? "all"}
          segments={segments}
          asOf={data.as_of}
          setScope={(to) => void navigate({ search: (s) => ({ ...s, scope: to }), replace: true })}
          close={() => void navigate({ search: (s) => ({ ...s, kpi: undefined, scope: undefined }) })}
        />
      ) : null}
    </>
  );
}
