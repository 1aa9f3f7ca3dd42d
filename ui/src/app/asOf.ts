import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

/** The day that the whole page speaks of: undefined means live. Kept in the URL as `as_of`. */
export function useAsOf(): { asOf: string | undefined; setAsOf: (day: string | undefined) => void } {
  const search: { as_of?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const setAsOf = useCallback(
    (day: string | undefined) => void navigate({ to: ".", search: (s) => ({ ...s, as_of: day }), replace: true }),
    [navigate],
  );
  return { asOf: search.as_of, setAsOf };
}
