import { Button, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, take } from "@/api/client";
import type { Reject } from "@/api/types";
import { sentence } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import css from "./imports.module.css";

function record(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** What a person typed, in the type that the value had. */
function typed(text: string, before: unknown): unknown {
  if (typeof before === "string" || before === undefined) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The values of a refused record, to be mended and taken in at once. */
export function RejectEditor({ reject, done }: { reject: Reject; done: () => void }) {
  const queries = useQueryClient();
  const title = useId();
  const [from, setFrom] = useState(reject);
  const [edits, setEdits] = useState<Record<string, string>>({});
  const [added, setAdded] = useState("");
  const known = record(from.record);
  const mend = useMutation({
    mutationFn: () => {
      const next = { ...known };
      for (const [name, text] of Object.entries(edits)) {
        if (text === "" && !(name in (known ?? {}))) continue;
        next[name] = typed(text, known?.[name]);
      }
      return take(
        api.POST("/api/v1/rejects/{id}/corrections", {
          params: { path: { id: from.id } },
          body: { record: next as never, was: from.record },
        }),
      );
    },
    onSuccess: async (after) => {
      if (after.state === "replayed") done();
      else {
        setFrom(after);
        setEdits({});
      }
      await queries.invalidateQueries({ queryKey: ["rejects"] });
    },
  });
  if (!known)
    return (
      <p className="small">
        The row could not be read as cells, so it cannot be mended here. Correct it in the file and import that again.
      </p>
    );
  const names = [...new Set([...Object.keys(known), ...Object.keys(edits)])];
  return (
    <form
      aria-labelledby={title}
      className={css.editor}
      onSubmit={(e) => {
        e.preventDefault();
        mend.mutate();
      }}
    >
      <h3 id={title}>Mend {from.file ? `${from.file}, line ${from.line ?? "?"}` : "the record"}</h3>
      <p role="status">
        {from.field ? <code>{from.field}</code> : null} {sentence(from.reason)} <strong>{sentence(from.remedy)}</strong>
      </p>
      <div className={css.cells}>
        {names.map((name) => {
          const value = known[name];
          const shown = edits[name] ?? (typeof value === "string" ? value : JSON.stringify(value ?? ""));
          return (
            <TextInput
              key={name}
              label={name}
              value={shown}
              onChange={(e) => {
                const text = e.currentTarget.value;
                setEdits((all) => ({ ...all, [name]: text }));
              }}
            />
          );
        })}
      </div>
      <div className={css.form}>
        <TextInput
          label="A column that is empty in this row"
          value={added}
          onChange={(e) => setAdded(e.currentTarget.value)}
          placeholder="its name in the header"
        />
        <Button
          variant="default"
          disabled={added.trim() === "" || names.includes(added.trim())}
          onClick={() => {
            setEdits((all) => ({ ...all, [added.trim()]: "" }));
            setAdded("");
          }}
        >
          Fill it
        </Button>
      </div>
      {mend.error ? <Problem inline error={mend.error} /> : null}
      <div className={css.tools}>
        <Button type="submit" size="xs" loading={mend.isPending}>
          Keep and take in
        </Button>
        <Button size="xs" variant="subtle" onClick={done}>
          Close
        </Button>
      </div>
    </form>
  );
}
