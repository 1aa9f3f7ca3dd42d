import { words } from "@/shared/format";

/** What stands for accounts without an owner. */
export const NOBODY = "(none)";

/** How an owner is read: a pool by its name, a person by their address. Pure. */
export function ownerName(owner: string | null | undefined): string {
  if (!owner || owner === NOBODY) return "Nobody";
  return owner.startsWith("pool:") ? `${words(owner.slice(5))} pool` : owner;
}

/** An id for a pool from the name that somebody typed. Pure. */
export function poolId(name: string, taken: string[]): string {
  const base =
    name
      .toLowerCase()
      .normalize("NFKD")
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 50) || "pool";
  let id = base;
  for (let n = 2; taken.includes(id); n += 1) id = `${base}-${n}`;
  return id;
}

/** Reads addresses as people write them: with commas, semicolons, spaces or lines between. Pure. */
export function addresses(text: string): string[] {
  return [
    ...new Set(
      text
        .split(/[\s,;]+/)
        .map((a) => a.trim().toLowerCase())
        .filter(Boolean),
    ),
  ];
}

/** Moves an entry of a list by one place; at the ends it stays. Pure. */
export function moved<T>(list: T[], at: number, by: -1 | 1): T[] {
  const to = at + by;
  if (to < 0 || to >= list.length) return list;
  const next = [...list];
  const [one] = next.splice(at, 1);
  if (one !== undefined) next.splice(to, 0, one);
  return next;
}

/** A list in which one entry is changed. Pure. */
export function replace<T>(list: T[], at: number, next: Partial<T>): T[] {
  return list.map((one, i) => (i === at ? { ...one, ...next } : one));
}

/** A list without one entry. Pure. */
export function without<T>(list: T[], at: number): T[] {
  return list.filter((_, i) => i !== at);
}
