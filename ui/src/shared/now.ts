import { useSyncExternalStore } from "react";

let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  for (const l of listeners) l();
}, 30_000);

/** The present moment, moved on twice a minute, so that "3 min ago" stays true without a timer per figure. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}
