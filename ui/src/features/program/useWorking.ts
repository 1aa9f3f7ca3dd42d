import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { components } from "@/api/schema";
import type { Edit, ProgramDocument, WorkingCopy } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { toast } from "@/shared/ui/Toasts";

type Schemas = components["schemas"];

export const DRAFT = ["program", "draft"];

/** The program with the reader's drafts laid over it. */
export const workingQuery = queryOptions({
  queryKey: DRAFT,
  queryFn: () => take(api.GET("/api/v1/program/draft")),
  staleTime: 10_000,
});

/** Whether the reader may change definitions. */
export function useMayEdit(): boolean {
  const session = useQuery(sessionQuery);
  const role = session.data?.user.role;
  return role === "admin" || role === "manager";
}

type Kept = {
  file: string;
  version: number;
  base_version: number;
  text: string | null;
  content: unknown;
  updated_at: string | null;
};

/** Writes of drafts. Each names the version that it was made on, so nothing is overwritten unseen. */
export function useDraftWrites() {
  const queries = useQueryClient();
  const took = (kept: Kept) => {
    queries.setQueryData<WorkingCopy>(DRAFT, (held) =>
      held
        ? {
            ...held,
            documents: held.documents.map((d) =>
              d.file === kept.file
                ? ({
                    ...d,
                    ...kept,
                    conflict: kept.base_version === held.version ? null : d.conflict,
                  } as ProgramDocument)
                : d,
            ),
          }
        : held,
    );
  };
  const seen = (file: string) => {
    const held = queries.getQueryData<WorkingCopy>(DRAFT);
    const document = held?.documents.find((d) => d.file === file);
    return { version: document?.version ?? 0, base_version: document?.base_version ?? held?.version ?? 0 };
  };
  const text = useMutation({
    scope: { id: "draft" },
    mutationFn: (write: { file: string; text: string | null; base?: number }) => {
      const { version, base_version } = seen(write.file);
      return take(
        api.PUT("/api/v1/program/draft", {
          body: { file: write.file, text: write.text, version, base_version: write.base ?? base_version },
        }),
      );
    },
    onSuccess: (kept) => took(kept as Kept),
  });
  const edits = useMutation({
    scope: { id: "draft" },
    mutationFn: (write: { file: string; edits: Edit[] }) =>
      take(
        api.POST("/api/v1/program/draft/edits", {
          body: { file: write.file, edits: write.edits as Schemas["Edit"][], ...seen(write.file) },
        }),
      ),
    onSuccess: (kept) => took(kept as Kept),
  });
  const discard = useMutation({
    mutationFn: async (file?: string) => {
      const was = queries.getQueryData<WorkingCopy>(DRAFT);
      const gone = (was ? drafted(was) : []).filter((d) => file === undefined || d.file === file);
      return { gone, all: await take(api.DELETE("/api/v1/program/draft", { params: { query: { file } } })) };
    },
    onSuccess: ({ gone, all }) => {
      queries.setQueryData(DRAFT, all);
      if (gone.length === 0) return;
      const what = gone.length === 1 ? `Your draft of ${gone[0]?.file}` : `Your ${gone.length} drafts`;
      toast(`${what} ${gone.length === 1 ? "is" : "are"} discarded.`, async () => {
        // Each as it was, on the version that it began from: a conflict that it had is shown again.
        for (const { file, text, base_version } of gone)
          await take(api.PUT("/api/v1/program/draft", { body: { file, text, version: 0, base_version } }));
        await queries.invalidateQueries({ queryKey: DRAFT });
      });
    },
  });
  return { text, edits, discard };
}

/** The documents that the reader has changed. */
export const drafted = (working: WorkingCopy): ProgramDocument[] => working.documents.filter((d) => d.version > 0);
