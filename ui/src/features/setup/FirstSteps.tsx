import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Icon } from "@/shared/ui/Icon";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import { ConnectSource } from "./ConnectSource";
import css from "./setup.module.css";
import { firstStepsQuery, setPreferences } from "./queries";

const STEPS: Record<string, { title: string; why: string; how: ReactNode }> = {
  source: {
    title: "Connect a source",
    why: "Events of your product tell what customers do.",
    how: <ConnectSource />,
  },
  import: {
    title: "Import what you have",
    why: "An export of your CRM brings accounts, contacts and their past.",
    how: (
      <Button component={Link} to="/data?tab=imports" variant="default" size="xs">
        Import a file
      </Button>
    ),
  },
  program: {
    title: "Apply a program",
    why: "It says what segments, metrics, KPIs and targets mean here.",
    how: (
      <Button component={Link} to="/settings?tab=program" variant="default" size="xs">
        Choose a program
      </Button>
    ),
  },
  invite: {
    title: "Invite a person",
    why: "Owners, notes and hand-overs need more than one.",
    how: (
      <Button component={Link} to="/settings?tab=users" variant="default" size="xs">
        Invite somebody
      </Button>
    ),
  },
  dashboard: {
    title: "Open a dashboard",
    why: "Each figure opens into the accounts behind it.",
    how: (
      <Button component={Link} to="/dashboards" variant="default" size="xs">
        See the dashboards
      </Button>
    ),
  },
};

/** The way from empty to the first dashboard, ticked by what is really there. */
export function FirstSteps() {
  const steps = useQuery(firstStepsQuery);
  return (
    <Loaded of={steps} lines={5}>
      {(data) => {
        const next = data.items.find((s) => !s.done)?.step;
        return (
          <Panel title={`First steps: ${data.done} of ${data.items.length} done`}>
            <ol className={css.steps}>
              {data.items.map((s) => {
                const about = STEPS[s.step];
                return (
                  <li key={s.step} className={s.done ? css.done : undefined}>
                    <span className={css.mark}>{s.done ? <Icon name="check" size={14} /> : null}</span>
                    <div>
                      <strong>{about?.title ?? s.step}</strong>
                      {s.done ? <span className="sr"> (done)</span> : null}
                      <p className="dim">{about?.why}</p>
                      {!s.done && (s.step === next || s.step !== "source") ? about?.how : null}
                    </div>
                  </li>
                );
              })}
            </ol>
          </Panel>
        );
      }}
    </Loaded>
  );
}

/** What is left of the first steps in one line, above figures that are there already. */
export function StepsLeft() {
  const queries = useQueryClient();
  const steps = useQuery(firstStepsQuery);
  const hide = useMutation({
    mutationFn: (hidden: boolean) => setPreferences(queries, { first_steps_hidden: hidden }),
    onSuccess: (_, hidden) => {
      if (hidden)
        toast("The first steps are put away; they stay under your initials.", () =>
          setPreferences(queries, { first_steps_hidden: false }),
        );
    },
  });
  if (steps.error) return <Problem inline error={steps.error} />;
  if (!steps.data) return null;
  const { done, items } = steps.data;
  const left = items.filter((s) => !s.done).map((s) => STEPS[s.step]?.title ?? s.step);
  if (left.length === 0) return null;
  const title = `First steps: ${done} of ${items.length} done`;
  return (
    <section className={css.left} aria-label={title}>
      <strong>{title}</strong>
      <span className="dim">Left: {left.join(", ")}</span>
      <span className={css.grow} />
      <Link to="/first-steps">Go on</Link>
      <Button size="compact-xs" variant="subtle" loading={hide.isPending} onClick={() => hide.mutate(true)}>
        Put away
      </Button>
      {hide.error ? <Problem inline error={hide.error} /> : null}
    </section>
  );
}

/** The first steps on a page of their own, where they stay when they are put away elsewhere. */
export function FirstStepsPage() {
  return (
    <>
      <PageHead title="First steps" sub="From empty to the first dashboard." />
      <div className={css.page}>
        <FirstSteps />
      </div>
    </>
  );
}
