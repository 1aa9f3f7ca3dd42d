import { useDebouncedCallback } from "@mantine/hooks";
import { useRouter } from "@tanstack/react-router";

/** Calls back when nobody has typed for a moment, unless the reader has gone to another page meanwhile: it must not bring them back. */
export function useSoon(change: (value: string) => void, ms: number): (value: string) => void {
  const router = useRouter();
  const soon = useDebouncedCallback((value: string, typedOn: string) => {
    if (router.latestLocation.pathname === typedOn) change(value);
  }, ms);
  return (value) => soon(value, router.latestLocation.pathname);
}
