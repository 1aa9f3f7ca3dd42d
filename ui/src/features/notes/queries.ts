import { queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { ApiProblem, toProblem } from "@/api/problem";
import type { NoteDiffLine, Note } from "@/api/types";

export const mentionsQuery = queryOptions({
  queryKey: ["mentions"],
  queryFn: () => take(api.GET("/api/v1/mentions", { params: { query: { limit: 100 } } })),
});

/** Somebody else changed the note first: what it says now, and how that differs from what was sent. */
export class NoteConflict extends Error {
  readonly current: Note;
  readonly difference: NoteDiffLine[];
  constructor(current: Note, difference: NoteDiffLine[], detail: string) {
    super(detail);
    this.name = "NoteConflict";
    this.current = current;
    this.difference = difference;
  }
}

/** Changes a note; a change by somebody else in between is a `NoteConflict`. */
export async function changeNote(
  id: string,
  body: { version: number; body: string; pinned: boolean; contact_id: string | null },
): Promise<Note> {
  const { data, error, response } = await api.PUT("/api/v1/notes/{id}", { params: { path: { id } }, body });
  if (data) return data as Note;
  const told = error as unknown as { current?: Note; difference?: NoteDiffLine[]; detail?: string };
  if (response.status === 409 && told.current)
    throw new NoteConflict(told.current, told.difference ?? [], told.detail ?? "");
  throw toProblem(response.status, error, response.headers.get("x-request-id"));
}

/** Brings a removed note back. */
export const restoreNote = (id: string) =>
  take(api.POST("/api/v1/notes/{id}/restoration", { params: { path: { id } } }));

/** Takes a note back to what it said in an earlier version; refused when somebody has changed it since. */
export const takeBack = (id: string, earlier: number, version: number) =>
  take(
    api.POST("/api/v1/notes/{id}/versions/{earlier}/restoration", {
      params: { path: { id, earlier } },
      body: { version },
    }),
  );

/** Sends a file as it is. */
export async function attach(note: string, file: File): Promise<void> {
  if (file.size > 10 * 1024 * 1024)
    throw new ApiProblem({
      status: 413,
      title: `“${file.name}” is too large`,
      detail: "A file may have at most 10 MiB. Share a larger one by a link.",
    });
  await take(
    api.POST("/api/v1/notes/{id}/attachments", {
      params: { path: { id: note }, query: { name: file.name } },
      body: file as never,
      bodySerializer: (b: unknown) => b as Blob,
      headers: { "content-type": "application/octet-stream" },
    }),
  );
}
