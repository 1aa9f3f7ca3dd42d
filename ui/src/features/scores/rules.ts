/** What scores look like in words and colours. Pure. */
import { number } from "@/shared/format";

export const BANDS = ["green", "yellow", "red", "none"] as const;
export type BandName = (typeof BANDS)[number];

export const BAND_LABEL: Record<BandName, string> = {
  green: "Green",
  yellow: "Yellow",
  red: "Red",
  none: "No score",
};

/** The colour of a band's ground and of what stands on it. */
export const BAND_COLOR: Record<BandName, { solid: string; soft: string }> = {
  green: { solid: "var(--met)", soft: "var(--met-soft)" },
  yellow: { solid: "var(--at-risk)", soft: "var(--at-risk-soft)" },
  red: { solid: "var(--behind)", soft: "var(--behind-soft)" },
  none: { solid: "var(--none)", soft: "var(--none-soft)" },
};

export const isBand = (text: string | null | undefined): text is BandName =>
  BANDS.some((band) => band === (text ?? ""));

export const bandOf = (band: string | null | undefined): BandName => (isBand(band) ? band : "none");

/** The band that points lie in. */
export function bandAt(points: number, head: { green: number; yellow: number }): BandName {
  return points >= head.green ? "green" : points >= head.yellow ? "yellow" : "red";
}

/** Points with their sign, as a change: "+3.2", "−11", "±0". */
export function signed(delta: number): string {
  const rounded = Math.round(delta * 10) / 10;
  if (rounded === 0) return "±0";
  return `${rounded > 0 ? "+" : "−"}${number(Math.abs(rounded), 1)}`;
}

const WAYS: Record<string, { mark: string; label: string }> = {
  falling: { mark: "↘", label: "Falling" },
  rising: { mark: "↗", label: "Rising" },
  steady: { mark: "→", label: "Steady" },
  unsure: { mark: "·", label: "Unsure" },
};

/** Which way an account moves, as a mark and in words that say what it is compared with. */
export function way(velocity: { state: string; slope: number; low: number; high: number } | null): {
  mark: string;
  label: string;
  told: string;
} {
  if (!velocity) return { mark: "–", label: "Not known", told: "Fewer than five weekly scores in the last 13 weeks." };
  const known = WAYS[velocity.state] ?? { mark: "·", label: velocity.state };
  const told = `${signed(velocity.slope)} points in 30 days against its segment (95 %: ${signed(velocity.low)} to ${signed(velocity.high)}), over the last 13 weeks.`;
  return { ...known, told };
}

/** Lines of a ledger under the headings of their groups, in the order of the ledger. */
export function grouped<T extends { group: string | null; group_label: string | null; contribution: number }>(
  lines: T[],
): { id: string; label: string; sum: number; lines: T[] }[] {
  const groups: { id: string; label: string; sum: number; lines: T[] }[] = [];
  for (const line of lines) {
    const id = line.group ?? "";
    let group = groups.find((g) => g.id === id);
    if (!group) {
      group = { id, label: line.group_label ?? "Measures", sum: 0, lines: [] };
      groups.push(group);
    }
    group.lines.push(line);
    group.sum += line.contribution;
  }
  return groups;
}
