import type { ContactFlag } from "@/api/types";
import css from "./contacts.module.css";
import { flagLabel } from "./queries";

/** The parts that a contact plays. */
export function Flags({ flags }: { flags: ContactFlag[] }) {
  if (flags.length === 0) return <span className="dim">–</span>;
  return (
    <span className={css.flags}>
      {flags.map((f) => (
        <span key={f} className={css.flag}>
          {flagLabel(f)}
        </span>
      ))}
    </span>
  );
}

/** What a contact agreed to, in a few words. */
export function Consents({ consents }: { consents: Record<string, boolean> }) {
  const entries = Object.entries(consents);
  if (entries.length === 0) return <span className="dim">not asked</span>;
  return <span>{entries.map(([topic, yes]) => `${topic}: ${yes ? "yes" : "no"}`).join(", ")}</span>;
}
