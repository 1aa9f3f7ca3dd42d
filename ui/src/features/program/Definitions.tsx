import { Button, SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { DefinitionsSearch } from "@/app/router";
import type { ProgramDocument, WorkingCopy } from "@/api/types";
import { ago } from "@/shared/days";
import { number } from "@/shared/format";
import { useNow } from "@/shared/now";
import { Icon } from "@/shared/ui/Icon";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Conflict } from "./Conflict";
import { DocForm } from "./DocForm";
import { DocYaml } from "./DocYaml";
import css from "./program.module.css";
import { Review } from "./Review";
import { drafted, useDraftWrites, useMayEdit, workingQuery } from "./useWorking";
import { Versions } from "./Versions";

const NAMES: Record<string, string> = {
  "program.yaml": "Program",
  "attributes.yaml": "Attributes",
  "events.yaml": "Events",
  "segments.yaml": "Segments",
  "metrics.yaml": "Metrics",
  "scores.yaml": "Scores",
  "kpis.yaml": "KPIs",
  "targets.yaml": "Targets",
};
/** What a document is called: a dashboard by its title. */
function nameOf({ file, content }: ProgramDocument): string {
  const { title } = (content ?? {}) as { title?: unknown };
  return NAMES[file] ?? (typeof title === "string" ? title : file.replace(/^dashboards\/|\.yaml$/g, ""));
}
const isDashboard = (d: ProgramDocument) => d.file.startsWith("dashboards/");

function count(document: ProgramDocument): number | null {
  const content = document.content as Record<string, unknown> | null;
  const list = Object.values(content ?? {}).find(Array.isArray);
  return list ? list.length : null;
}

/** The program's documents: written as forms or as text, tried, applied, and taken back. */
export function Definitions() {
  const working = useQuery(workingQuery);
  const { view } = useSearch({ from: "/definitions" });
  const navigate = useNavigate({ from: "/definitions" });
  const mayEdit = useMayEdit();
  const go = (search: DefinitionsSearch) => void navigate({ search: (s) => ({ as_of: s.as_of, ...search }) });
  const changed = working.data ? drafted(working.data).length : 0;
  const shown = view === "review" || view === "versions" ? view : "documents";
  return (
    <>
      <PageHead title="Definitions" sub="What every figure means. A change is a draft of yours until it is applied.">
        <SegmentedControl
          size="xs"
          aria-label="What to look at"
          value={shown}
          onChange={(v) => go(v === "documents" ? {} : { view: v })}
          data={[
            { value: "documents", label: "Documents" },
            { value: "review", label: changed > 0 ? `Review and apply (${changed})` : "Review and apply" },
            { value: "versions", label: "Versions" },
          ]}
        />
      </PageHead>
      <Loaded of={working} lines={10}>
        {(data) =>
          shown === "review" ? (
            <Review working={data} mayEdit={mayEdit} open={(file) => go({ file, view: "yaml" })} />
          ) : shown === "versions" ? (
            <Versions current={data.version} mayEdit={mayEdit} />
          ) : (
            <Documents working={data} mayEdit={mayEdit} go={go} />
          )
        }
      </Loaded>
    </>
  );
}

function Documents({
  working,
  mayEdit,
  go,
}: {
  working: WorkingCopy;
  mayEdit: boolean;
  go: (search: DefinitionsSearch) => void;
}) {
  const { file = "segments.yaml", entry, view } = useSearch({ from: "/definitions" });
  const { discard } = useDraftWrites();
  const now = useNow();
  const document = working.documents.find((d) => d.file === file);
  const others = working.others.filter((o) => o.file === file);
  const mark = (d: ProgramDocument) => (d.conflict ? " (conflict)" : d.version > 0 ? " (draft)" : "");
  const pick = (d: ProgramDocument) => (
    <button
      key={d.file}
      type="button"
      className={css.pick}
      aria-current={d.file === file ? "page" : undefined}
      onClick={() => go({ file: d.file })}
    >
      {d.conflict ? <Icon name="conflict" size={12} /> : d.version > 0 ? <Icon name="flag" size={12} /> : null}
      <span>
        {nameOf(d)}
        <span className="sr">{mark(d)}</span>
      </span>
      <span className="dim">{count(d) === null ? "" : number(count(d), 0)}</span>
    </button>
  );
  const page = document && isDashboard(document) ? (document.content as { id?: unknown } | null)?.id : undefined;
  return (
    <div className={css.documents}>
      <nav className={css.files} aria-label="Documents">
        {working.documents.filter((d) => !isDashboard(d)).map(pick)}
        {working.documents.some(isDashboard) ? <h2 className={css.group}>Dashboards</h2> : null}
        {working.documents.filter(isDashboard).map(pick)}
      </nav>
      <Select
        className={css.chooser}
        aria-label="Document"
        size="xs"
        allowDeselect={false}
        data={working.documents.map((d) => ({ value: d.file, label: nameOf(d) + mark(d) }))}
        value={file}
        onChange={(f) => f && go({ file: f })}
      />
      {document ? (
        <div className={css.stack}>
          <div className={css.bar}>
            <SegmentedControl
              size="xs"
              aria-label="How to edit"
              value={view === "yaml" ? "yaml" : "form"}
              onChange={(v) => go({ file, view: v === "yaml" ? "yaml" : undefined })}
              data={[
                { value: "form", label: "Form" },
                { value: "yaml", label: "YAML" },
              ]}
            />
            <code>{file}</code>
            {typeof page === "string" ? (
              <Link to="/dashboards/$id" params={{ id: page }}>
                Open the dashboard
              </Link>
            ) : null}
            {document.version > 0 ? (
              <>
                <span className={css.draft}>Your draft</span>
                <Button
                  size="compact-xs"
                  variant="subtle"
                  loading={discard.isPending}
                  onClick={() => discard.mutate(file)}
                >
                  Discard it
                </Button>
              </>
            ) : null}
            {others.map((o) => (
              <span key={o.author} className="dim">
                {o.author} is changing it too, {ago(o.updated_at, now)}
              </span>
            ))}
          </div>
          <Conflict document={document} />
          {view === "yaml" ? (
            <DocYaml key={file} working={working} document={document} mayEdit={mayEdit} />
          ) : (
            <DocForm
              key={file}
              working={working}
              document={document}
              mayEdit={mayEdit}
              entry={entry}
              open={(e) => go({ file, entry: e })}
            />
          )}
        </div>
      ) : (
        <Empty title={`There is no document ${file}`}>Choose one of the list.</Empty>
      )}
    </div>
  );
}
