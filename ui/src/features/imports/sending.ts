/** Files on their way to the server. They go on, and are shown again, when their page was left in between. */
import { useSyncExternalStore } from "react";
import { api, take } from "@/api/client";
import { send } from "./send";

export type Sent = { name: string; sent: number; total: number };
/** Files that were given together; `upload` is null until it is made. */
export type Sending = { id: number; upload: string | null; files: Sent[]; error: Error | null };

let all: readonly Sending[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(to: readonly Sending[]): void {
  all = to;
  for (const l of listeners) l();
}

const change = (id: number, how: (s: Sending) => Sending): void => set(all.map((s) => (s.id === id ? how(s) : s)));

const warn = (e: BeforeUnloadEvent): void => e.preventDefault();
/** Closing the window ends what is on its way; going to another page does not. */
function guard(): void {
  if (all.some((s) => !s.error)) window.addEventListener("beforeunload", warn);
  else window.removeEventListener("beforeunload", warn);
}

/** Everything on its way, and what failed and was not begun again. */
export function useSendings(): readonly Sending[] {
  return useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => all,
  );
}

/** Sends files into an upload, or into a new one; answers its id, or null when they could not all be sent. */
export async function sendAll(
  files: readonly File[],
  upload: string | null,
  arrived: () => Promise<unknown>,
): Promise<string | null> {
  const id = next++;
  const began = files.map((f) => ({ name: f.name, sent: 0, total: f.size }));
  // What failed before is begun again by giving the files again.
  set([...all.filter((s) => !s.error || s.upload !== upload), { id, upload, files: began, error: null }]);
  guard();
  try {
    const into = upload ?? (await take(api.POST("/api/v1/uploads"))).id;
    change(id, (s) => ({ ...s, upload: into }));
    for (const [at, file] of files.entries()) {
      await send(into, file, (sent, total) =>
        change(id, (s) => ({ ...s, files: s.files.map((f, i) => (i === at ? { ...f, sent, total } : f)) })),
      );
      await arrived();
    }
    set(all.filter((s) => s.id !== id));
    return into;
  } catch (error) {
    change(id, (s) => ({ ...s, error: error instanceof Error ? error : new Error(String(error)) }));
    return null;
  } finally {
    guard();
  }
}
