import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { DashboardConflict, DashboardDefinition, DashboardPage, Tile } from "@/api/types";
import { useKept } from "@/shared/useKept";
import { begin, content, formOf, heightOf, redo, step, undo, widthOf, type Draft, type History } from "./editing";
import { previewQuery } from "./queries";

const draftOf = (d: DashboardDefinition): Draft => ({
  title: d.title,
  description: d.description,
  segment: d.segment,
  tiles: d.tiles,
});

/** What is kept in the browser until the server has it. */
type Kept = { version: number; draft: Draft };

function keptDraft(text: string | null): Kept | null {
  if (!text) return null;
  try {
    const kept = JSON.parse(text) as Kept;
    return typeof kept.version === "number" && Array.isArray(kept.draft.tiles) ? kept : null;
  } catch {
    return null;
  }
}

/** A dashboard in the hands of its editor: steps with undo, kept in the browser until it is saved from the version that was seen. */
export function useEdit(definition: DashboardDefinition, saved: () => void) {
  const queries = useQueryClient();
  const [text, keep, clear] = useKept(`dashboard.${definition.id}`);
  const [found] = useState(() => keptDraft(text));
  const [base, setBase] = useState(found?.version ?? definition.version);
  const [history, setHistory] = useState<History>(() => begin(found?.draft ?? draftOf(definition)));
  const [conflict, setConflict] = useState<DashboardConflict | null>(null);
  const { draft } = history.now;
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(definition));

  useEffect(() => {
    if (changed) keep(JSON.stringify({ version: base, draft }));
  }, [changed, base, draft, keep]);

  const done = async () => {
    clear();
    setConflict(null);
    await queries.invalidateQueries({ queryKey: ["dashboards"] });
    saved();
  };
  const save = useMutation({
    mutationFn: async (send: { yaml?: string; base?: number }) => {
      const answer = await api.PUT("/api/v1/dashboards/{id}", {
        params: { path: { id: definition.id }, header: { "If-Match": `"${send.base ?? base}"` } },
        body: send.yaml === undefined ? { definition: formOf(draft, definition) } : { yaml: send.yaml },
      });
      if (answer.response.status === 412) {
        setConflict(answer.error as unknown as DashboardConflict);
        return false;
      }
      await take(Promise.resolve(answer));
      return true;
    },
    onSuccess: (kept) => (kept ? done() : undefined),
  });
  const act = useCallback((next: Draft, said: string) => setHistory((h) => step(h, next, said)), []);
  return {
    draft,
    changed,
    act,
    save,
    conflict,
    resumed: found !== null,
    said: history.now.said,
    undo: history.past.length > 0 ? () => setHistory(undo) : null,
    redo: history.next.length > 0 ? () => setHistory(redo) : null,
    discard: () => {
      clear();
      setBase(definition.version);
      setHistory(begin(draftOf(definition)));
      setConflict(null);
    },
    /** Forgets what was done and shows the dashboard as somebody else saved it. */
    takeTheirs: () => {
      clear();
      setConflict(null);
      void queries.invalidateQueries({ queryKey: ["dashboards"] });
      saved();
    },
    /** Goes on from the dashboard as it is now; what was done stays. */
    rebase: (version: number) => {
      setBase(version);
      setConflict(null);
      save.mutate({ base: version });
    },
  };
}

export type Editing = ReturnType<typeof useEdit>;

/** The tiles of a draft with their figures: those of the page where they are the same, else those of a trial. */
export function useDraftTiles(page: DashboardPage, definition: DashboardDefinition, draft: Draft) {
  const fresh = useMemo(() => {
    const known = new Set(definition.tiles.map(content));
    return draft.tiles.filter((t) => !known.has(content(t)));
  }, [definition, draft.tiles]);
  const filters = {
    segment: page.filters.segment,
    owner: page.filters.owner ?? undefined,
    period: page.filters.period ?? undefined,
    compare: page.filters.compare,
    as_of: page.as_of,
  };
  const key = fresh.map(content).join("\n");
  const trial = useQuery(previewQuery(key, fresh, filters));
  const tiles = draft.tiles.map((t): Tile | null => {
    const same = definition.tiles.findIndex((d) => content(d) === content(t));
    const found = page.tiles[same] ?? trial.data?.tiles.find((d) => d.id === t.id);
    if (!found) return null;
    const title = t.title || found.title;
    return { ...found, id: t.id, title, text: t.text ?? found.text, width: widthOf(t), height: heightOf(t) };
  });
  return { tiles, trial };
}

/** A refusal in one sentence for each field. */
export const faults = (error: unknown): string[] =>
  error instanceof ApiProblem ? error.errors.map((e) => `${e.problem ?? ""} ${e.remedy ?? ""}`.trim()) : [];
