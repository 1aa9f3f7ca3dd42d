import { useEffect, useState, type RefObject } from "react";

/** Becomes true once an element has come near the visible part of the page. */
export function useSeen(ref: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const el = ref.current;
    if (!el || seen) return;
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((e) => e.isIntersecting)) setSeen(true);
      },
      { rootMargin: "240px" },
    );
    watch.observe(el);
    return () => watch.disconnect();
  }, [ref, seen]);
  return seen;
}
