import { Button, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { number, percent } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import { Calibration, Months } from "./Charts";
import { Methods, MonthTable, Segments } from "./Figures";
import { Models } from "./Models";
import { Watched } from "./Operation";
import css from "./models.module.css";
import {
  backtestQuery,
  backtestsQuery,
  KEY,
  outcomesQuery,
  startBacktest,
  type Backtest,
  type Report,
} from "./queries";
import { against, meaning, withInterval } from "./rules";

/** What a score is worth, held against what happened. */
export function Accuracy() {
  const { outcome = "churn" } = useSearch({ from: "/accuracy" });
  const navigate = useNavigate({ from: "/accuracy" });
  const outcomes = useQuery(outcomesQuery);
  return (
    <>
      <PageHead
        title="Accuracy"
        sub="What the score would have told at each month end, from what was known then, against what happened after."
      >
        <Select
          size="xs"
          aria-label="Outcome"
          value={outcome}
          allowDeselect={false}
          onChange={(v) =>
            void navigate({ search: (s) => ({ ...s, outcome: v === "churn" ? undefined : (v ?? undefined) }) })
          }
          data={(outcomes.data?.items ?? []).map((o) => ({ value: o.id, label: o.label }))}
        />
        <Button component={Link} to="/risk" size="xs" variant="default">
          Accounts at risk
        </Button>
      </PageHead>
      <Loaded of={outcomes} lines={8}>
        {({ items }) => <Tests id={items.find((o) => o.id === outcome)?.score ?? outcome} outcome={outcome} />}
      </Loaded>
    </>
  );
}

function Tests({ id, outcome }: { id: string; outcome: string }) {
  const list = useQuery(backtestsQuery(id));
  return (
    <div className={css.page}>
      <Loaded of={list} lines={8}>
        {({ items }) => {
          const newest = items.find((it) => it.state === "done");
          const running = items.find((it) => it.state === "running");
          const failed = items[0]?.state === "failed" ? items[0] : undefined;
          return (
            <>
              <Stand id={id} running={running} failed={failed} newest={newest} />
              {newest ? <Shown id={newest.id} /> : running ? null : <Nothing />}
            </>
          );
        }}
      </Loaded>
      <Models outcome={outcome} />
      <Watched outcome={outcome} />
    </div>
  );
}

function Nothing() {
  return (
    <Panel title="Back-test">
      <Empty title="No back-test yet">
        Run one: it goes back to each month end, scores every account from what was known then, and counts who left
        afterwards. It runs in the background; you can leave this page.
      </Empty>
    </Panel>
  );
}

function Stand({
  id,
  running,
  failed,
  newest,
}: {
  id: string;
  running?: Backtest;
  failed?: Backtest;
  newest?: Backtest;
}) {
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: (trust: boolean) =>
      startBacktest(id, { trust_dates: trust, only_hand_set: false } as Parameters<typeof startBacktest>[1]),
    onSuccess: () => queries.invalidateQueries({ queryKey: [KEY, "backtests"] }),
    onError: (error) => toast(error instanceof Error ? error.message : String(error)),
  });
  return (
    <>
      <div className={css.stand}>
        <span className="dim" role="status">
          {running ? (
            `A back-test is running: ${percent(running.progress, 0)}, ${running.step}`
          ) : newest ? (
            <>
              Back-test of {newest.author} · <Fresh at={newest.finished_at ?? newest.created_at} />
            </>
          ) : null}
        </span>
        <Button size="xs" loading={start.isPending} disabled={!!running} onClick={() => start.mutate(false)}>
          Run a back-test
        </Button>
      </div>
      {failed ? (
        <Problem
          inline
          error={new Error(failed.error ?? "The last back-test failed.")}
          retry={failed.error?.includes("received_at") ? () => start.mutate(true) : undefined}
        />
      ) : null}
    </>
  );
}

function Shown({ id }: { id: string }) {
  const one = useQuery(backtestQuery(id));
  return (
    <Loaded of={one} lines={12}>
      {({ report }) => (report ? <Whole report={report} /> : <Nothing />)}
    </Loaded>
  );
}

function Fact({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div className={css.fact}>
      <span className="dim small">{label}</span>
      <strong>{value}</strong>
      <span className="dim small">{note}</span>
    </div>
  );
}

function Whole({ report }: { report: Report }) {
  const main = report.methods.find((method) => method.id === report.main);
  const learned = report.methods.find((method) => method.id === "transparent");
  const skill = report.skill.find((it) => it.method === report.main) ?? report.skill[0];
  if (!main) return <Nothing />;
  return (
    <>
      <Panel title={report.proven ? "Proven" : "Not proven"}>
        <p className={css.verdict}>
          {report.proven
            ? meaning(main.auc.value)
            : "Do not act on this figure alone: the team's own judgement stays the better guide."}{" "}
          <span className="dim">
            {main.label}: {report.reason}.
          </span>
        </p>
        <div className={css.facts}>
          <Fact
            label="AUC"
            value={withInterval(main.auc)}
            note={`${number(report.outcomes, 0)} outcomes within ${report.horizon_days} days, ${report.cutoffs} cutoffs to ${day(report.to)}`}
          />
          {main.red ? (
            <Fact
              label="Red"
              value={`${percent(main.red.precision)} right`}
              note={`${percent(main.red.recall)} of the outcomes were in red before`}
            />
          ) : null}
          {main.lead ? (
            <Fact
              label="Warning time"
              value={main.lead.median_days === null ? "–" : `${number(main.lead.median_days, 0)} days`}
              note={`from the first red to the loss, half of ${number(main.lead.warned, 0)} warned of ${number(main.lead.losses, 0)}`}
            />
          ) : null}
          {main.lift_capacity ? (
            <Fact
              label={`The first ${number(report.capacity, 0)} of a month`}
              value={`${number(main.lift_capacity.lift)} ×`}
              note={`hold ${percent(main.lift_capacity.capture)} of the outcomes, ${percent(main.lift_capacity_mrr?.capture)} of their MRR`}
            />
          ) : null}
          {skill ? (
            <Fact
              label={`Skill against the ${skill.against === "baseline" ? "frozen baseline" : "score set by hand"}`}
              value={skill.ratio ? `${withInterval(skill.ratio, 2)}${skill.reached ? ", reached" : ""}` : "not known"}
              note={
                skill.ratio
                  ? `Skill is 2·AUC − 1, so that a coin has none; of the ${skill.method === report.main ? "score" : "learnt score"}. “15 % better” is a ratio of 1.15 whose interval stays above 1.`
                  : `${skill.reason ?? "there is too little to tell"}.`
              }
            />
          ) : null}
        </div>
        <p className="dim small">
          {report.knowledge.note} {number(report.censored, 0)} rows are left out because their {report.horizon_days}{" "}
          days have not passed. Intervals: {report.interval}.
        </p>
        {report.warnings.map((warning) => (
          <p key={warning.message} role="note">
            <strong>Look at this:</strong> {warning.message}
          </p>
        ))}
      </Panel>
      <div className={css.two}>
        <Panel title="Against what it must beat">
          <ul className={css.list}>
            {against(report).map((it) => (
              <li key={it.id}>
                {it.label}: {it.said}
              </li>
            ))}
          </ul>
        </Panel>
        {(main.calibration.length > 0 ? main : learned)?.calibration.length ? (
          <Panel title="Told and happened">
            <Calibration method={main.calibration.length > 0 ? main : (learned ?? main)} />
          </Panel>
        ) : null}
      </div>
      <Panel title="Month by month">
        <Months
          report={report}
          ids={[report.main, "transparent", "baseline"].filter(
            (id, at, all) => all.indexOf(id) === at && report.methods.some((m) => m.id === id),
          )}
        />
        <MonthTable report={report} />
      </Panel>
      <Segments report={report} />
      <Methods report={report} />
    </>
  );
}
