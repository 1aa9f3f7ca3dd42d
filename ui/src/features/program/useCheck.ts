import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { Placed, WorkingCopy } from "@/api/types";
import { useLater } from "@/shared/useLater";

/** What the checker says about the working copy, with a text that is being typed laid over it. */
export function useCheck(working: WorkingCopy | undefined, typed: { file: string; text: string } | null, ms = 500) {
  const later = useLater(typed, ms);
  const state = working?.documents.map((d) => `${d.file}:${d.version}`).join();
  const answer = useQuery({
    queryKey: ["program", "check", working?.version, state, later?.file, later?.text],
    queryFn: ({ signal }) =>
      take(
        api.POST("/api/v1/program/draft/check", {
          body: { files: later ? { [later.file]: later.text } : {} },
          signal,
        }),
      ),
    enabled: working !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const problems: Placed[] = answer.data?.problems ?? [];
  return { problems, ok: answer.data?.ok, pending: answer.isFetching || later !== typed, error: answer.error };
}
