import { Drawer } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { TargetDetail } from "@/api/types";
import { day } from "@/shared/days";
import { figure, words } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { StatusBadge } from "@/shared/ui/Status";
import { Loaded, Skeleton } from "@/shared/ui/State";
import { BaselineForm } from "./BaselineForm";
import css from "./kpis.module.css";
import { chance, StatusStrip } from "./Outlook";
import { targetQuery } from "./queries";

const Fan = lazy(() => import("./FanChart"));

type Props = { id: string; asOf: string | undefined; currency: string | null; close: () => void };

/** One target: its way from the baseline, where it leads, and what was done to its baseline. */
export function TargetDrawer({ id, asOf, currency, close }: Props) {
  const answer = useQuery(targetQuery(id, asOf));
  const t = answer.data?.target;
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(760px, 100vw)"
      title={<strong>{t ? `${t.label}, ${t.scope === "all" ? "all accounts" : words(t.scope)}` : "Target"}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Loaded of={answer} lines={12}>
        {(data) => <Body data={data} currency={currency} live={asOf === undefined} />}
      </Loaded>
    </Drawer>
  );
}

function Body({ data, currency, live }: { data: TargetDetail; currency: string | null; live: boolean }) {
  const { target: t, forecast } = data;
  const show = (v: number | null | undefined) => figure(v, t.unit, currency);
  const held = data.history.filter((p) => p.status !== null);
  return (
    <div className={css.drawer}>
      <p className={css.definition}>
        {t.source}.{t.description ? ` ${t.description}` : ""}{" "}
        <Link to="/" search={{ kpi: t.kpi, scope: t.scope }}>
          See the figure
        </Link>
      </p>
      <div className={css.drawerTop}>
        <div className={css.fact}>
          <span>On {day(data.as_of)}</span>
          <span className={css.big}>{show(t.value)}</span>
        </div>
        <div className={css.fact}>
          <span>Expected by then</span>
          <span>{t.expected === null ? "–" : show(t.expected)}</span>
        </div>
        <div className={css.fact}>
          <span>Goal, by {day(t.deadline)}</span>
          <span>{t.goal === null ? "after the baseline" : show(t.goal)}</span>
        </div>
        <StatusBadge status={t.status} />
      </div>
      <section>
        <h3>Where it leads</h3>
        {forecast ? (
          <p className={css.definition}>
            The trend of the last {forecast.months} months leads to <strong>{show(forecast.value)}</strong> at the
            deadline; nine of ten outcomes lie between {show(forecast.interval[0])} and {show(forecast.interval[1])}.
            The chance to meet the goal is <strong>{chance(forecast.probability)}</strong>, if things go on as they did.
          </p>
        ) : (
          <p className={css.definition}>No forecast: {data.why}.</p>
        )}
        <Suspense fallback={<Skeleton lines={6} />}>
          <Fan data={data} currency={currency} />
        </Suspense>
      </section>
      <section>
        <h3>Status month by month</h3>
        <StatusStrip points={data.history} />
        {held.length > 0 ? (
          <DataTable
            caption="Status by month"
            rows={[...held].reverse()}
            rowKey={(p) => p.period}
            cols={[
              { label: "Day", show: (p) => <span className="nowrap">{day(p.period)}</span> },
              { label: "Status", show: (p) => <StatusBadge status={p.status ?? "no_data"} /> },
              { label: "Value", num: true, show: (p) => show(p.value) },
              { label: "Expected", num: true, show: (p) => (p.expected === null ? "–" : show(p.expected)) },
            ]}
          />
        ) : null}
      </section>
      <BaselineForm key={data.version} data={data} show={show} live={live} />
    </div>
  );
}
