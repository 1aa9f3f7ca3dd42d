import { Button, NumberInput, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useDraftWrites, useMayEdit, workingQuery } from "@/features/program/useWorking";
import { number } from "@/shared/format";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { useLater } from "@/shared/useLater";
import { Curve } from "./Curve";
import { type Definition, type Measure, type Model, shares, withMeasure, withWeight } from "./models";
import { previewQuery } from "./queries";
import { BAND_LABEL, BANDS, isBand } from "./rules";
import css from "./scores.module.css";

const FILE = "scores.yaml";

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
            <Form key={`${document?.version ?? 0}/${score}`} definition={definition} />
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

function Form({ definition }: { definition: Definition }) {
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
  const preview = useQuery(previewQuery(useLater(tried, 250)));
  if (!model) return <Empty title="The score has no model" />;
  const put = (next: Model) => setTried({ ...tried, models: tried.models.map((m, i) => (i === at ? next : m)) });
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
            disabled={!changed || definition.frozen === true || preview.isError}
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
      {definition.frozen ? <p className={css.note}>This score is frozen: others are measured against it.</p> : null}
      {edits.error ? <Problem inline error={edits.error} /> : null}
      <Outcome preview={preview} />
      {model.groups.map((group, g) => (
        <fieldset key={group.id} className={css.fieldset}>
          <legend>
            {group.label ?? group.id}, {number(shares(model)[g] ?? 0, 0)} % of the score
          </legend>
          <NumberInput
            size="xs"
            label={`Weight of ${group.label ?? group.id}`}
            value={group.weight}
            min={0}
            step={0.05}
            w={200}
            onChange={(v) => put(withWeight(model, g, Number(v)))}
          />
          {group.measures.map((measure, m) => (
            <MeasureForm
              key={measure.metric}
              score={definition.id}
              model={model.id}
              measure={measure}
              put={(next) => put(withMeasure(model, g, m, next))}
            />
          ))}
        </fieldset>
      ))}
    </>
  );
}

function MeasureForm({
  score,
  model,
  measure,
  put,
}: {
  score: string;
  model: string;
  measure: Measure;
  put: (next: Measure) => void;
}) {
  return (
    <details className={css.measure}>
      <summary>
        <code>{measure.metric}</code>, weight {number(measure.weight, 2)}
      </summary>
      <NumberInput
        size="xs"
        label={`Weight of ${measure.metric}`}
        value={measure.weight}
        min={0}
        step={0.05}
        w={200}
        onChange={(v) => put({ ...measure, weight: Number(v) })}
      />
      <Curve score={score} model={model} measure={measure} put={(curve) => put({ ...measure, curve })} />
    </details>
  );
}

type Previewed = ReturnType<
  typeof useQuery<Awaited<ReturnType<NonNullable<ReturnType<typeof previewQuery>["queryFn"]>>>>
>;

/** What the tried models would do today. */
function Outcome({ preview }: { preview: Pick<Previewed, "data" | "error"> }) {
  if (preview.error) return <Problem inline error={preview.error} />;
  const data = preview.data;
  if (!data) return null;
  const label = (band: string) => (isBand(band) ? BAND_LABEL[band] : band);
  return (
    <div role="status" className={css.note}>
      <strong>Today:</strong> {number(data.changed, 0)} accounts would have other points; the average goes from{" "}
      {data.now.average === null ? "–" : number(data.now.average, 1)} to{" "}
      {data.then.average === null ? "–" : number(data.then.average, 1)}.{" "}
      {BANDS.map((b) => `${BAND_LABEL[b]} ${number(data.now[b], 0)} → ${number(data.then[b], 0)}`).join(", ")}.
      {data.moves.length > 0 ? (
        <ul className={css.list}>
          {data.moves.map((m) => (
            <li key={m.from + m.to}>
              {label(m.from)} to {label(m.to)}: {number(m.accounts, 0)}, for example {m.sample.slice(0, 3).join(", ")}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
