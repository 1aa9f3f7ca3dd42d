import { useEffect, useRef } from "react";
import { isWriting, press, type Pending, type Shortcut } from "./shortcuts";

/** Listens for the shortcuts while no dialog is open and nothing is being written. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    let pending: Pending = null;
    const listen = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || isWriting(e.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const next = press(e.key, Date.now(), pending, current.current);
      pending = next.pending;
      if (next.run) {
        e.preventDefault();
        next.run.run();
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
