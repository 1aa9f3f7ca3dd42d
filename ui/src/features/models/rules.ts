import { ApiProblem } from "@/api/problem";
import { number } from "@/shared/format";
import type { Figure, Report, ScoreAccuracy } from "./queries";

/** A figure with its interval: "0.742 (0.701–0.781)". */
export function withInterval(it: Figure | null | undefined, digits = 3): string {
  if (!it) return "–";
  return `${number(it.value, digits)} (${number(it.low, digits)}–${number(it.high, digits)})`;
}

/** What the difference to another method says, in words. */
export function versus(difference: Figure): string {
  const by = `${number(Math.abs(difference.value), 3)} (${number(difference.low, 3)} to ${number(difference.high, 3)})`;
  if (difference.low > 0) return `better by ${by}`;
  if (difference.high < 0) return `worse by ${by}`;
  return `not told apart: ${difference.value < 0 ? "−" : "+"}${by}`;
}

/** What an AUC means to somebody who looks after accounts. */
export function meaning(auc: number): string {
  return `Of one account that left and one that stayed, the score ranks the right one as riskier in ${number(auc * 100, 0)} of 100 pairs; 50 is a coin.`;
}

/** The methods that the main one is held against, the strongest first. */
export function against(report: Report): { id: string; label: string; said: string }[] {
  return report.paired
    .filter((pair) => pair.first === report.main)
    .map((pair) => ({
      id: pair.second,
      label: report.methods.find((method) => method.id === pair.second)?.label ?? pair.second,
      said: versus(pair.difference),
      value: pair.difference.value,
    }))
    .sort((a, b) => a.value - b.value)
    .map(({ id, label, said }) => ({ id, label, said }));
}

/** What odds multiplied by so much mean: "doubles" needs no figure after the point. */
export function odds(factor: number): string {
  return factor >= 1 ? `odds × ${number(factor, 1)}` : `odds ÷ ${number(1 / factor, 1)}`;
}

/** What speaks against putting a model in force, where that is why it was refused. */
export function doubtOf(error: unknown): string | null {
  const told = error instanceof ApiProblem && error.status === 409 ? (error.detail ?? "") : "";
  const at = told.indexOf(". Send `despite`");
  return at > 0 ? told.slice(0, at) : null;
}

/** How many baselines are beaten, and which are not. */
export function beaten(against: ScoreAccuracy["against"]): string {
  const rest = against.filter((it) => !it.beaten).map((it) => it.label.charAt(0).toLowerCase() + it.label.slice(1));
  const count = `beats ${against.length - rest.length} of ${against.length} baselines`;
  return rest.length === 0 ? count : `${count}, not proven better than: ${rest.join(", ").replaceAll("mRR", "MRR")}`;
}

/** How a learnt score stands to the one of the period before, by the difference of their AUC. */
export function besideBefore(difference: Figure): string {
  if (difference.low > 0) return "better than the period before's";
  return difference.high < 0 ? "worse than the period before's" : "not told apart from the period before's";
}
