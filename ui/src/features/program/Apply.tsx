import { Button, FileButton, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Change, Placed, PlanAnswer } from "@/api/types";
import { Moves } from "@/features/segments/Preview";
import { sentence } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import { Changes } from "./Changes";
import css from "./program.module.css";

type Files = Record<string, string>;

/** Takes a program's files, says what they would change, and applies them when told to. */
export function Apply() {
  const queries = useQueryClient();
  const [files, setFiles] = useState<Files | null>(null);
  const [note, setNote] = useState("");
  const plan = useMutation({
    mutationFn: async (chosen: Files) => {
      const checked = await take(api.POST("/api/v1/program/check", { body: { files: chosen } }));
      if (!checked.ok) return { checked, plan: null };
      const planned = await take(api.POST("/api/v1/program/plan", { body: { files: chosen } }));
      return { checked, plan: { ...planned, changes: planned.changes as Change[] } };
    },
  });
  const apply = useMutation({
    mutationFn: (chosen: Files) =>
      take(api.POST("/api/v1/program/apply", { body: { files: chosen, note: note.trim() || undefined } })),
    onSuccess: async () => {
      setFiles(null);
      setNote("");
      plan.reset();
      await queries.invalidateQueries();
    },
  });
  const choose = async (list: File[]) => {
    const read: Files = {};
    for (const f of list) {
      const text = await f.text();
      // A dashboard is a file of the folder `dashboards`; a browser tells only its own name.
      read[/^tiles:/m.test(text) ? `dashboards/${f.name}` : f.name] = text;
    }
    setFiles(read);
    apply.reset();
    plan.mutate(read);
  };
  return (
    <Panel
      title="Apply a program"
      aside={<span className="dim">All its YAML files at once; nothing is changed before you say so.</span>}
    >
      <FileButton multiple accept=".yaml,.yml" onChange={(list) => void choose(list)}>
        {(props) => (
          <Button {...props} variant="default" loading={plan.isPending}>
            Choose the files
          </Button>
        )}
      </FileButton>
      <div className={css.result} role="status">
        {plan.error ? <Problem inline error={plan.error} /> : null}
        {plan.data ? <Problems list={plan.data.checked.problems} /> : null}
        {plan.data?.plan ? <Planned plan={plan.data.plan} /> : null}
        {apply.error ? <Problem inline error={apply.error} /> : null}
        {apply.data ? <span>Version {apply.data.version} is in force. Figures are being computed again.</span> : null}
        {files && plan.data?.plan ? (
          <div className={css.row}>
            <TextInput
              label="Why (kept with the version)"
              value={note}
              onChange={(e) => setNote(e.currentTarget.value)}
              w={360}
              maw="100%"
            />
            <Button loading={apply.isPending} onClick={() => apply.mutate(files)}>
              Apply
            </Button>
          </div>
        ) : null}
      </div>
    </Panel>
  );
}

function Problems({ list }: { list: Placed[] }) {
  if (list.length === 0) return null;
  return (
    <DataTable
      caption="Problems in the files"
      rows={list}
      rowKey={(p) => `${p.file}:${p.line}:${p.column}:${sentence(p.problem)}`}
      cols={[
        {
          label: "Where",
          show: (p) => (
            <span className={`mono ${css.where}`}>
              {p.file}:{p.line}:{p.column}
            </span>
          ),
        },
        { label: "Kind", show: (p) => p.severity },
        {
          label: "What",
          show: (p) => (
            <span>
              {sentence(p.problem)}
              {p.nearest ? (
                <>
                  {" "}
                  The nearest name is <code>{p.nearest}</code>.
                </>
              ) : null}{" "}
              <strong>{sentence(p.remedy)}</strong>
            </span>
          ),
        },
      ]}
    />
  );
}

function Planned({ plan }: { plan: PlanAnswer }) {
  return (
    <>
      <Changes changes={plan.changes} />
      {plan.segments && plan.segments.moves.length > 0 ? <Moves answer={plan.segments} currency={null} /> : null}
    </>
  );
}
