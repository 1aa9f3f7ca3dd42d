import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { number } from "@/shared/format";
import css from "./shell.module.css";

/** Says that figures are being computed again, and how far that is: until then a page shows the ones before. */
export function Computing() {
  const { data } = useQuery({
    queryKey: ["computing"],
    queryFn: () => take(api.GET("/api/v1/metrics/progress")),
    refetchInterval: (query) => ((query.state.data?.total ?? 0) > 0 ? 1000 : 15_000),
    retry: false,
  });
  if (!data || data.total === 0) return null;
  return (
    <div className={css.computing} role="status">
      <span>
        Figures are being computed again: {number(data.done, 0)} of {number(data.total, 0)} accounts
      </span>
      <Progress value={(data.done / data.total) * 100} size="sm" aria-label="Accounts computed" />
    </div>
  );
}
