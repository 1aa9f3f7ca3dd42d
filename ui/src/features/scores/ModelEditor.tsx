import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useDraftWrites, useMayEdit, workingQuery } from "@/features/program/useWorking";
import { number } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { withoutMeasure } from "./curves";
import { DraftPreview } from "./DraftPreview";
import { AddMeasure, MeasureForm, type MetricChoice, Weight } from "./MeasureForm";
import { Versions } from "./Versions";
import { type Definition, type Model, shares, withMeasure, withWeight } from "./models";
import css from "./scores.module.css";

const FILE = "scores.yaml";

/** The metrics that the working copy declares. */
function metricsOf(documents: { file: string; content: unknown }[]): MetricChoice[] {
  const content = documents.find((d) => d.file === "metrics.yaml")?.content;
  return (content as { metrics?: MetricChoice[] } | null | undefined)?.metrics ?? [];
}

/** A score's models by their weights and curves, with what a change would do while it is made. */
export function ModelEditor({ score }: { score: string }) {
  const working = useQuery(workingQuery);
  return (
    <Panel
      title="Model"
      aside={<span className="dim">A change is a draft until it is applied under Definitions.</span>}
    >
      <Loaded of={working} lines={8}>
        {(data) => {
          const document = data.documents.find((d) => d.file === FILE);
          const content = document?.content as { scores?: Definition[] } | null | undefined;
          const definition = content?.scores?.find((s) => s.id === score);
          return definition ? (
            <Form
              key={`${document?.version ?? 0}/${score}`}
              definition={definition}
              metrics={metricsOf(data.documents)}
            />
          ) : (
            <Empty title="This score stands in no document that can be edited">
              Look at <Link to="/definitions">the definitions</Link>.
            </Empty>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Form({ definition, metrics }: { definition: Definition; metrics: MetricChoice[] }) {
  const search = useSearch({ from: "/health" });
  const navigate = useNavigate({ from: "/health" });
  const mayEdit = useMayEdit();
  const { edits } = useDraftWrites();
  const [tried, setTried] = useState(definition);
  const at = Math.max(
    0,
    tried.models.findIndex((m) => m.id === search.edit),
  );
  const model = tried.models[at];
  const changed = JSON.stringify(tried) !== JSON.stringify(definition);
  if (!model) return <Empty title="The score has no model" />;
  const put = (next: Model) => setTried({ ...tried, models: tried.models.map((m, i) => (i === at ? next : m)) });
  const alone = model.groups.reduce((n, g) => n + g.measures.length, 0) < 2;
  return (
    <>
      <div className={css.filters}>
        <Select
          aria-label="Model"
          value={model.id}
          allowDeselect={false}
          data={tried.models.map((m) => ({ value: m.id, label: m.label ?? m.id }))}
          onChange={(v) => void navigate({ search: (s) => ({ ...s, edit: v ?? undefined }) })}
          w={220}
        />
        {mayEdit ? (
          <Button
            disabled={!changed || definition.frozen === true}
            loading={edits.isPending}
            onClick={() =>
              edits.mutate({
                file: FILE,
                edits: [{ list: "scores", id: definition.id, set: { models: tried.models } }],
              })
            }
          >
            Keep as a draft
          </Button>
        ) : null}
        {changed ? (
          <Button variant="default" onClick={() => setTried(definition)}>
            Take back
          </Button>
        ) : null}
        <Link to="/definitions" search={{ file: FILE }} className={css.aside}>
          Apply under Definitions
        </Link>
      </div>
      {definition.frozen ? (
        <p className={css.note}>
          This score is frozen: others are measured against it, so it cannot be changed. Copy it under a new id to try
          something else.
        </p>
      ) : null}
      {edits.error ? <Problem inline error={edits.error} /> : null}
      <div className={css.editor}>
        <div>
          {model.groups.map((group, g) => (
            <fieldset key={group.id} className={css.fieldset}>
              <legend>
                {group.label ?? group.id}, {number(shares(model)[g] ?? 0, 0)} % of the score
              </legend>
              <Weight
                label={`Weight of ${group.label ?? group.id}`}
                value={group.weight}
                put={(v) => put(withWeight(model, g, v))}
              />
              {group.measures.map((measure, m) => (
                <MeasureForm
                  key={measure.metric}
                  score={definition.id}
                  model={model.id}
                  measure={measure}
                  put={(next) => put(withMeasure(model, g, m, next))}
                  remove={alone ? null : () => put(withoutMeasure(model, g, m))}
                />
              ))}
              <AddMeasure score={definition.id} model={model} group={g} metrics={metrics} put={put} />
            </fieldset>
          ))}
        </div>
        <DraftPreview tried={tried} changed={changed} />
      </div>
      <Versions score={definition.id} />
    </>
  );
}
