import { useQuery } from "@tanstack/react-query";
import { day } from "@/shared/days";
import { number, percent } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { operationQuery } from "./queries";
import { withInterval } from "./rules";

/** Each month's predictions of the model in force, and what became of them. */
export function Watched({ outcome }: { outcome: string }) {
  const answer = useQuery(operationQuery(outcome));
  return (
    <Panel title="In operation" flush>
      <Loaded of={answer} lines={3}>
        {({ months, drift_limit }) =>
          months.length === 0 ? (
            <Empty title="Nothing is predicted yet">
              As soon as a model is in force, its probabilities of each month end are kept and later held against what
              happened.
            </Empty>
          ) : (
            <DataTable
              caption="Predictions by month"
              rows={months}
              rowKey={(m) => `${m.model_id}/${m.day}`}
              cols={[
                { label: "Month end", show: (m) => day(m.day) },
                {
                  label: "AUC",
                  num: true,
                  show: (m) => (m.accuracy ? withInterval(m.accuracy.auc) : "the horizon has not passed"),
                },
                {
                  label: "Told, happened",
                  num: true,
                  show: (m) => (m.accuracy ? `${percent(m.accuracy.predicted)}, ${percent(m.accuracy.observed)}` : "–"),
                },
                {
                  label: "Drift",
                  show: (m) => {
                    const far = m.drift.filter((it) => it.psi > drift_limit);
                    return far.length === 0
                      ? "none"
                      : far
                          .slice(0, 3)
                          .map((it) => `${it.measure} (${number(it.psi, 2)})`)
                          .join(", ");
                  },
                },
                { label: "Alarm", show: (m) => m.alarm ?? "–" },
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
