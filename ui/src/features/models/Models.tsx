import { Button, Checkbox, Menu } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { day, instant } from "@/shared/days";
import { number, percent } from "@/shared/format";
import { DataTable, Panel, type Col } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import css from "./models.module.css";
import { Despite } from "./Despite";
import { comparisonQuery, KEY, modelsQuery, promote, train, withdraw, type Model } from "./queries";
import { doubtOf, versus, withInterval } from "./rules";

const METHOD: Record<string, string> = { transparent: "Transparent", boosting: "Challenger" };

/** Trained models: which is in force, what each reached, and putting one in force. */
export function Models({ outcome }: { outcome: string }) {
  const { compare } = useSearch({ from: "/accuracy" });
  const navigate = useNavigate({ from: "/accuracy" });
  const queries = useQueryClient();
  const models = useQuery(modelsQuery(outcome));
  const again = () => queries.invalidateQueries({ queryKey: [KEY] });
  const failed = (error: unknown) => toast(error instanceof Error ? error.message : String(error));
  const begin = useMutation({
    mutationFn: (method: string) => train(outcome, method),
    onSuccess: again,
    onError: failed,
  });
  const force = useMutation({
    mutationFn: (it: Model) => (it.promoted_at ? withdraw(it.id, it.version) : promote(it.id, it.version)),
    onSuccess: again,
    onError: (error, it) => {
      const doubt = doubtOf(error);
      if (doubt) setDoubted({ model: it, doubt });
      else failed(error);
    },
  });
  const [doubted, setDoubted] = useState<{ model: Model; doubt: string } | null>(null);
  const chosen = (compare ?? "").split("~").filter((id) => id !== "");
  const choose = (id: string) => {
    const next = chosen.includes(id) ? chosen.filter((it) => it !== id) : [...chosen, id].slice(-2);
    void navigate({ search: (s) => ({ ...s, compare: next.length === 0 ? undefined : next.join("~") }) });
  };
  const cols: Col<Model>[] = [
    {
      label: "Compare",
      show: (m) => (
        <Checkbox
          size="xs"
          aria-label={`Compare the model of ${instant(m.created_at)}`}
          checked={chosen.includes(m.id)}
          disabled={m.state !== "done"}
          onChange={() => choose(m.id)}
        />
      ),
    },
    { label: "Method", show: (m) => METHOD[m.method] ?? m.method },
    {
      label: "Trained",
      show: (m) =>
        m.state === "running" ? (
          `${percent(m.progress, 0)}, ${m.step}`
        ) : m.state === "failed" ? (
          <span title={m.error ?? undefined}>failed: {m.error}</span>
        ) : (
          <>
            {instant(m.created_at)} <span className="dim small">by {m.author}</span>
          </>
        ),
    },
    { label: "On", num: true, show: (m) => `${number(m.rows, 0)} rows, ${number(m.positives, 0)} outcomes` },
    { label: "To", show: (m) => (m.day ? day(m.day) : "–") },
    { label: "AUC of its back-test", num: true, show: (m) => withInterval(m.auc) },
    { label: "Verdict", show: (m) => (m.proven === null ? "–" : m.proven ? "proven" : "not proven") },
    {
      label: "In force",
      show: (m) =>
        m.method !== "transparent" || m.state !== "done" ? (
          "–"
        ) : (
          <Button size="compact-xs" variant="default" loading={force.isPending} onClick={() => force.mutate(m)}>
            {m.promoted_at ? `Take out of force (since ${day(m.promoted_at)})` : "Put in force"}
          </Button>
        ),
    },
  ];
  return (
    <Panel
      title="Models"
      flush
      aside={
        <Menu>
          <Menu.Target>
            <Button size="xs" variant="default" loading={begin.isPending}>
              Train a model
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => begin.mutate("transparent")}>Transparent: points that people read</Menu.Item>
            <Menu.Item onClick={() => begin.mutate("boosting")}>Challenger: what a readable score misses</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    >
      {doubted ? (
        <Despite
          {...doubted}
          done={async () => {
            setDoubted(null);
            await again();
          }}
          close={() => setDoubted(null)}
        />
      ) : null}
      <Loaded of={models} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No model is trained yet">
              A trained model learns its points from this company's own history. Nothing changes before somebody puts it
              in force.
            </Empty>
          ) : (
            <>
              <DataTable caption="Models" rows={items} rowKey={(m) => m.id} cols={cols} />
              {chosen.length === 2 ? <Compared first={chosen[0] ?? ""} second={chosen[1] ?? ""} /> : null}
            </>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Compared({ first, second }: { first: string; second: string }) {
  const both = useQuery(comparisonQuery(first, second));
  return (
    <Loaded of={both} lines={2}>
      {(it) => (
        <p className={css.verdict} style={{ padding: 12 }}>
          {withInterval(it.first.model.auc)} against {withInterval(it.second.model.auc)}.{" "}
          {it.paired
            ? `On the same rows the first is ${versus(it.paired.difference)}.`
            : it.same_days
              ? "Both back-tests looked at the same days."
              : "Their back-tests looked at different days: these figures are not comparable."}
        </p>
      )}
    </Loaded>
  );
}
