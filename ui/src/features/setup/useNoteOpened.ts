import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { sessionQuery } from "@/features/auth/queries";
import { setPreferences } from "./queries";

/** Notes once that the reader has opened a dashboard: the last of the first steps. */
export function useNoteOpened(shown: boolean): void {
  const queries = useQueryClient();
  const opened = useQuery(sessionQuery).data?.preferences.dashboard_opened;
  useEffect(() => {
    if (!shown || opened !== false) return;
    let again: ReturnType<typeof setTimeout> | undefined;
    // What could not be noted is tried again, and after that when the next dashboard is opened.
    const note = (tries: number): void => {
      setPreferences(queries, { dashboard_opened: true }).catch(() => {
        if (tries > 1) again = setTimeout(() => note(tries - 1), 2000);
      });
    };
    note(5);
    return () => clearTimeout(again);
  }, [shown, opened, queries]);
}
