import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { nowQuery } from "@/features/inbox/queries";
import { number } from "@/shared/format";
import css from "./shell.module.css";

/** Says that figures are being computed again, and how far that is: until then a page shows the ones before. */
export function Computing() {
  const { data } = useQuery(nowQuery);
  if (!data || data.to_compute === 0) return null;
  return (
    <div className={css.computing} role="status">
      <span>
        Figures are being computed again: {number(data.computed, 0)} of {number(data.to_compute, 0)} accounts
      </span>
      <Progress value={(data.computed / data.to_compute) * 100} size="sm" aria-label="Accounts computed" />
    </div>
  );
}
