import { useEffect, type RefObject } from "react";
import { isWriting } from "@/app/shortcuts";

/** Lets j and k move the focus between the elements marked `data-row` inside a container. */
export function useRowKeys(container: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if ((e.key !== "j" && e.key !== "k") || e.ctrlKey || e.metaKey || e.altKey || isWriting(e.target)) return;
      if (document.querySelector('[role="dialog"]')) return;
      const rows = [...(container.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
      const at = rows.indexOf(document.activeElement as HTMLElement);
      const next = rows[at === -1 ? 0 : at + (e.key === "j" ? 1 : -1)];
      if (!next) return;
      e.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [container]);
}
