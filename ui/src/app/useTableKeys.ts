import { useEffect, type RefObject } from "react";
import { isWriting } from "./shortcuts";

/**
 * Lets j and k move through the rows of a page's first table of links, where the page does not do so itself (`data-row`). Enter opens the
 * focused one, as it does any link.
 */
export function useTableKeys(main: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if ((e.key !== "j" && e.key !== "k") || e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return;
      if (isWriting(e.target) || document.querySelector('[role="dialog"]')) return;
      const page = main.current;
      if (!page) return;
      const own = [...page.querySelectorAll<HTMLElement>("[data-row]")];
      const rows =
        own.length > 0
          ? own
          : [...page.querySelectorAll("tbody tr")]
              .map((row) => row.querySelector<HTMLElement>("a, button"))
              .filter((it): it is HTMLElement => it !== null);
      const at = rows.indexOf(document.activeElement as HTMLElement);
      const next = rows[at === -1 ? 0 : at + (e.key === "j" ? 1 : -1)];
      if (!next) return;
      e.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [main]);
}
