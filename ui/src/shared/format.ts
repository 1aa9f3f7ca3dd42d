/** How figures, money and durations are written; days and instants stand in `days.ts`. Pure; the locale is the reader's. */
import { day, isDay } from "./days";
import { onReaderChange, readerLocale } from "./reader";

const cache = new Map<string, Intl.NumberFormat>();
onReaderChange(() => cache.clear());

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let found = cache.get(key);
  if (!found) {
    found = new Intl.NumberFormat(readerLocale(), options);
    cache.set(key, found);
  }
  return found;
}

/** What stands where a value is not known. */
export const NO_DATA = "no data";

/** Plain number with at most `digits` decimals. */
export function number(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? "–" : numberFormat({ maximumFractionDigits: digits }).format(value);
}

/** Money in major units; whole amounts from 1,000 on, cents below when there are any. */
export function money(value: number | null | undefined, currency: string | null | undefined, compact = false): string {
  if (value === null || value === undefined) return "–";
  const cents = Math.abs(value) < 1000 && !Number.isInteger(value) ? 2 : 0;
  const options: Intl.NumberFormatOptions =
    compact && Math.abs(value) >= 10_000
      ? { notation: "compact", maximumFractionDigits: 2 }
      : { maximumFractionDigits: cents, minimumFractionDigits: cents };
  if (!currency) return numberFormat(options).format(value);
  try {
    return numberFormat({ style: "currency", currency, ...options }).format(value);
  } catch {
    return `${numberFormat(options).format(value)} ${currency}`;
  }
}

/** A fraction as percent. */
export function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined
    ? "–"
    : numberFormat({ style: "percent", maximumFractionDigits: digits }).format(value);
}

/** A figure in its unit, as the reader should see it. */
export function figure(
  value: number | null | undefined,
  unit: string | null | undefined,
  currency?: string | null,
): string {
  if (value === null || value === undefined) return NO_DATA;
  switch (unit) {
    case "ratio":
      return percent(value);
    case "money":
      return money(value, currency, true);
    case "points":
      return number(value, 1);
    case "days":
      return `${number(value, 1)} ${Math.abs(value) === 1 ? "day" : "days"}`;
    case "hours":
      return `${number(value, 1)} h`;
    default:
      return number(value, Math.abs(value) >= 100 ? 0 : 2);
  }
}

/** What a figure is made of: "34 of 120" for a share, "n = 120" for a mean or a score. */
export function sides(numerator: number | null, denominator: number | null, unit: string): string | null {
  if (denominator === null) return null;
  // A mean or a score is made of so many observations; only a share has two sides to read.
  if (unit !== "ratio") return `n = ${number(denominator, 0)}`;
  if (numerator === null) return null;
  const show = (v: number) => number(v, Math.abs(v) >= 1000 ? 0 : 1);
  return `${show(numerator)} of ${show(denominator)}`;
}

export type Change = { text: string; spoken: string; direction: "up" | "down" | "same"; good: boolean | null };

/**
 * The change between two figures, in the words that fit the unit: shares change in percentage
 * points, NPS in points, everything else in relative percent.
 */
export function change(
  now: number | null | undefined,
  before: number | null | undefined,
  unit: string,
  better: string,
): Change | null {
  if (now === null || now === undefined || before === null || before === undefined) return null;
  const delta = now - before;
  const tiny = unit === "ratio" ? 0.0005 : unit === "points" ? 0.05 : Math.abs(before) * 0.0005;
  const direction = Math.abs(delta) <= tiny ? "same" : delta > 0 ? "up" : "down";
  const good = direction === "same" ? null : direction === better;
  const sign = direction === "same" ? "±" : delta > 0 ? "+" : "−";
  const of = (amount: string, unitText: string) => ({
    text: direction === "same" ? `±0 ${unitText}` : `${sign}${amount} ${unitText}`,
    direction: direction as Change["direction"],
    good,
  });
  if (unit === "ratio") {
    return { ...of(number(Math.abs(delta) * 100, 1), "pp"), spoken: "percentage points" };
  }
  if (unit === "points") return { ...of(number(Math.abs(delta), 1), "pts"), spoken: "points" };
  if (before === 0)
    return { ...of(number(Math.abs(delta), 1), unit === "number" || unit === "money" ? "" : unit), spoken: unit };
  return { ...of(number((Math.abs(delta) / Math.abs(before)) * 100, 1), "%"), spoken: "percent" };
}

/** A length of time in seconds, in its largest sensible unit. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 90) return `${number(value, 0)} s`;
  if (value < 5400) return `${number(value / 60, 0)} min`;
  if (value < 172_800) return `${number(value / 3600, 0)} h`;
  return `${number(value / 86_400, 0)} days`;
}

/** Bytes with a binary prefix. */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let n = value;
  let at = 0;
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024;
    at += 1;
  }
  return `${number(n, at === 0 ? 0 : 1)} ${units[at] ?? ""}`;
}

/** Any known value of an attribute or metric, in its unit. */
export function scalar(value: unknown, unit?: string | null, currency?: string | null): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return unit ? figure(value, unit, currency) : number(value, 2);
  if (typeof value === "string") return isDay(value) ? day(value) : value;
  return JSON.stringify(value);
}

/** "feature_gaps" → "Feature gaps". */
export function words(code: string): string {
  const spaced = code.replace(/[_-]+/g, " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Turns a remark such as "name is missing" into a sentence; what names things in code keeps its letters. */
export function sentence(text: string | null | undefined): string {
  const t = (text ?? "").trim();
  if (t === "") return "";
  const first = t.split(/\s/, 1)[0] ?? "";
  const named = /[_`.\d]/.test(first);
  return `${named ? t.charAt(0) : t.charAt(0).toUpperCase()}${t.slice(1)}${/[.!?…]$/.test(t) ? "" : "."}`;
}
