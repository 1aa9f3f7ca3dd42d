import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { sessionQuery } from "@/features/auth/queries";
import { setPreferences } from "./queries";

/** Notes once that the reader has opened a dashboard: the last of the first steps. */
export function useNoteOpened(shown: boolean): void {
  const queries = useQueryClient();
  const opened = useQuery(sessionQuery).data?.preferences.dashboard_opened;
  useEffect(() => {
    // What could not be noted is noted the next time.
    if (shown && opened === false) void setPreferences(queries, { dashboard_opened: true }).catch(() => undefined);
  }, [shown, opened, queries]);
}
