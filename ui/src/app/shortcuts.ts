/** Key sequences such as "g o". Pure, so that it can be tested without a browser. */

export type Shortcut = { keys: string; label: string; run: () => void };
export type Pending = { key: string; at: number } | null;

/** How long after the first key of a sequence the second may come. */
export const SEQUENCE_MS = 1200;

/**
 * Decides what a pressed key means: it may finish a sequence, be a shortcut alone, or begin a
 * sequence. Returns the shortcut to run, if any, and what is pending afterwards.
 */
export function press(
  key: string,
  now: number,
  pending: Pending,
  shortcuts: Shortcut[],
): { run: Shortcut | null; pending: Pending } {
  if (pending && now - pending.at <= SEQUENCE_MS) {
    const both = shortcuts.find((s) => s.keys === `${pending.key} ${key}`);
    if (both) return { run: both, pending: null };
  }
  const alone = shortcuts.find((s) => s.keys === key);
  if (alone) return { run: alone, pending: null };
  const begins = shortcuts.some((s) => s.keys.startsWith(`${key} `));
  return { run: null, pending: begins ? { key, at: now } : null };
}

/** Whether the reader is writing, so that keys are text and not commands. */
export function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
