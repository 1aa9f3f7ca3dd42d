/** Calendar days and instants: how they are written and counted. Pure, but for the reader's locale and zone. */
import { readerLocale, readerZone } from "./reader";

/** A calendar day ("2026-06-30"), written without moving it through a time zone. */
export function day(value: string | null | undefined, style: "long" | "short" | "month" = "short"): string {
  if (!value) return "–";
  const at = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) return value;
  const month = style === "long" ? "long" : "short";
  return new Intl.DateTimeFormat(readerLocale(), {
    timeZone: "UTC",
    year: "numeric",
    month,
    ...(style === "month" ? {} : { day: "numeric" }),
  }).format(at);
}

/** An instant in the reader's own zone. */
export function instant(value: string | null | undefined): string {
  if (!value) return "–";
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return value;
  return new Intl.DateTimeFormat(readerLocale(), {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: readerZone(),
  }).format(at);
}

/** The time of day of an instant, in the reader's zone. */
export function clock(value: string): string {
  return new Intl.DateTimeFormat(readerLocale(), { timeStyle: "short", timeZone: readerZone() }).format(
    new Date(value),
  );
}

/** "3 min ago": how long before `now` an instant lies. */
export function ago(value: string | null | undefined, now: number): string {
  if (!value) return "never";
  const at = Date.parse(value);
  if (Number.isNaN(at)) return value;
  const seconds = Math.round((now - at) / 1000);
  if (seconds < -60) return instant(value);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86_400);
  return days < 60 ? `${days} ${days === 1 ? "day" : "days"} ago` : instant(value);
}

/** The last day of the month that lies `back` months before the month of `value`. */
export function monthEnd(value: string, back: number): string {
  const [y, m] = value.split("-").map(Number);
  return new Date(Date.UTC(y ?? 1970, (m ?? 1) - back, 0)).toISOString().slice(0, 10);
}

/** The first day of the month that lies `back` months before the month of `value`. */
export function monthStart(value: string, back: number): string {
  const [y, m] = value.split("-").map(Number);
  return new Date(Date.UTC(y ?? 1970, (m ?? 1) - 1 - back, 1)).toISOString().slice(0, 10);
}

/** Whether a text is an existing calendar day in the form 2026-06-30. */
export function isDay(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const at = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === value;
}

/**
 * Whether a window is a calendar month or quarter that has not ended: its figure grows until it does and is not to be
 * held against a whole one.
 */
export function isRunning(firstDay: string, lastDay: string): boolean {
  if (!firstDay.endsWith("-01") || lastDay === monthEnd(lastDay, 0)) return false;
  return Date.parse(`${lastDay}T00:00:00Z`) - Date.parse(`${firstDay}T00:00:00Z`) < 93 * 86_400_000;
}

/** "Nov 1": a calendar day without its year. */
export function dayOfMonth(value: string): string {
  return new Intl.DateTimeFormat(readerLocale(), { timeZone: "UTC", month: "short", day: "numeric" }).format(
    new Date(`${value.slice(0, 10)}T00:00:00Z`),
  );
}

/** "Oct": the month of a calendar day. */
export function monthName(value: string | undefined): string {
  if (!value) return "";
  return new Intl.DateTimeFormat(readerLocale(), { timeZone: "UTC", month: "short" }).format(
    new Date(`${value.slice(0, 10)}T00:00:00Z`),
  );
}

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
function ahead(zone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) - at;
}

/** The instant at which a calendar day ends in a time zone. */
export function endOfDay(value: string, zone: string): string {
  const midnight = Date.parse(`${value}T00:00:00Z`) + 86_400_000;
  // The second look is right on the days on which the clocks are changed.
  const guess = midnight - ahead(zone, midnight);
  return new Date(midnight - ahead(zone, guess)).toISOString();
}
