/** What the pages of revenue make of the API's answers. Pure. */
import { money, words } from "@/shared/format";
import type { Amount, BridgeLine } from "./queries";

export const STEP_LABELS: Record<string, string> = {
  opening: "Opening",
  new: "New",
  reactivation: "Reactivation",
  expansion: "Expansion",
  contraction: "Contraction",
  churn: "Churn",
  became_known: "Became known",
  became_unknown: "Became unknown",
  closing: "Closing",
  flat: "Unchanged",
};

/** The ways to split, with the lifecycle stage where the program names one. */
export const withStage = <T extends { value: string; label: string }>(by: T[], staged: boolean) =>
  staged ? [...by, { value: "stage", label: "Lifecycle stage" }] : by;

export const stepLabel = (step: string): string => STEP_LABELS[step] ?? words(step);

/** A bar of the waterfall: from where to where, as shares of the height, and what it says. */
export type Bar = {
  step: string;
  amount: number;
  accounts: number;
  /** Lower and upper edge, in the unit of the amounts. */
  low: number;
  high: number;
  kind: "total" | "gain" | "loss" | "none";
};

/** Lays the bridge out: each step begins where the one before ended. What is nothing is left out, but for the usual steps. */
export function waterfall(line: BridgeLine): Bar[] {
  const total = (step: string, amount: number, accounts: number): Bar => ({
    step,
    amount,
    accounts,
    low: Math.min(0, amount),
    high: Math.max(0, amount),
    kind: "total",
  });
  const bars: Bar[] = [total("opening", line.opening, line.active_start)];
  let level = line.opening;
  for (const { step, amount, accounts } of line.steps) {
    const rare = step === "became_known" || step === "became_unknown" || step === "reactivation";
    if (rare && accounts === 0) continue;
    const next = level + amount;
    bars.push({
      step,
      amount,
      accounts,
      low: Math.min(level, next),
      high: Math.max(level, next),
      kind: amount > 0 ? "gain" : amount < 0 ? "loss" : "none",
    });
    level = next;
  }
  bars.push(total("closing", line.closing, line.active_end));
  return bars;
}

/** The range that a waterfall is drawn over: cut off below where the changes would be too small to see. */
export function domain(bars: Bar[]): { from: number; to: number; cut: boolean } {
  const moves = bars.filter((b) => b.kind !== "total");
  const totals = bars.filter((b) => b.kind === "total");
  const to = Math.max(...bars.map((b) => b.high), 0);
  const lowest = Math.min(...bars.map((b) => (b.kind === "total" ? b.high : b.low)));
  const spread = to - lowest;
  const base = Math.max(...totals.map((b) => b.high), 0);
  if (moves.length === 0 || lowest <= 0 || spread > base * 0.35)
    return { from: Math.min(0, lowest), to: to || 1, cut: false };
  return { from: Math.max(0, lowest - Math.max(spread, base * 0.02) * 0.6), to, cut: true };
}

/** Amounts of several currencies, side by side, never added; "–" when there is nothing. */
export function amounts(list: Amount[], compact = true): string {
  return list.length === 0 ? "–" : list.map((a) => money(a.amount, a.currency, compact)).join(" + ");
}

/** A change with its sign. */
export function signed(amount: number, currency: string | null): string {
  if (amount === 0) return money(0, currency);
  return `${amount > 0 ? "+" : "−"}${money(Math.abs(amount), currency, true)}`;
}

/** How strongly a retention cell is coloured, 0 to 1: 50 % and less is pale, 100 % and more is full. */
export function heat(value: number | null): number {
  if (value === null) return 0;
  return Math.round(Math.min(1, Math.max(0, (value - 0.5) / 0.5)) * 100) / 100;
}

/** The name of a churn reason. */
export function reasonLabel(code: string | null | undefined): string {
  if (!code) return "Not recorded";
  return code.startsWith("(") ? words(code.slice(1, -1)) : words(code);
}
