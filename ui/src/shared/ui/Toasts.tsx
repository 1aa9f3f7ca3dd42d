import { useEffect, useSyncExternalStore } from "react";
import { Icon } from "./Icon";
import css from "./toasts.module.css";

type Toast = { id: number; text: string; undo?: () => Promise<unknown> };

/** How long a toast stays; one that can be undone stays longer. */
const STAYS_MS = 5_000;
const UNDO_MS = 12_000;

let shown: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function set(to: readonly Toast[]): void {
  shown = to;
  for (const l of listeners) l();
}

const drop = (id: number): void => set(shown.filter((t) => t.id !== id));

/** Says what was done, with the way back where there is one. */
export function toast(text: string, undo?: () => Promise<unknown>): void {
  set([...shown.slice(-2), { id: next++, text, undo }]);
}

/** What was done a moment ago, at the foot of the page. */
export function Toasts() {
  const toasts = useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => shown,
  );
  return (
    <div className={css.toasts} role="status" aria-live="polite">
      {toasts.map((t) => (
        <One key={t.id} toast={t} />
      ))}
    </div>
  );
}

function One({ toast: t }: { toast: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => drop(t.id), t.undo ? UNDO_MS : STAYS_MS);
    return () => clearTimeout(timer);
  }, [t]);
  const undo = async () => {
    drop(t.id);
    try {
      await t.undo?.();
      toast("Taken back.");
    } catch (error) {
      toast(`It could not be taken back: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return (
    <div className={css.toast}>
      <span>{t.text}</span>
      {t.undo ? (
        <button type="button" onClick={() => void undo()}>
          Undo
        </button>
      ) : null}
      <button type="button" aria-label="Dismiss" onClick={() => drop(t.id)}>
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
