import type { Status } from "@/api/types";
import { Icon, type IconName } from "./Icon";
import css from "./ui.module.css";

/** Words and icon of each status: colour never stands alone. */
export const STATUS: Record<Status, { label: string; icon: IconName; meaning: string }> = {
  met: { label: "Met", icon: "double", meaning: "The goal is reached." },
  on_track: { label: "On track", icon: "trend", meaning: "At or beyond the straight line from baseline to goal." },
  at_risk: { label: "At risk", icon: "warning", meaning: "Behind the line, by no more than a fifth of the way." },
  behind: { label: "Behind", icon: "down", meaning: "Behind the line by more than a fifth of the way." },
  no_data: { label: "No data", icon: "dash", meaning: "There is no value to hold against the goal." },
};

export function StatusBadge({ status, compact = false }: { status: Status; compact?: boolean }) {
  const s = STATUS[status];
  return (
    <span className={`${css.badge} ${css[status]} ${compact ? css.iconOnly : ""}`} title={`${s.label}: ${s.meaning}`}>
      <Icon name={s.icon} size={13} />
      {compact ? <span className="sr">{s.label}</span> : s.label}
    </span>
  );
}
