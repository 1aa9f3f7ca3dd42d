import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { instant } from "@/shared/days";
import { number } from "@/shared/format";
import { DataTable } from "@/shared/ui/Panel";
import { Loaded } from "@/shared/ui/State";
import { versionsQuery } from "./queries";

const METHOD: Record<string, string> = { hand_set: "by hand", transparent: "learnt" };

/** What the score was computed by, since when, and of which versions the days are kept. */
export function Versions({ score }: { score: string }) {
  const [open, setOpen] = useState(false);
  const answer = useQuery({ ...versionsQuery(score), enabled: open });
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Versions</summary>
      <Loaded of={answer} lines={3}>
        {({ items, kept }) => (
          <>
            <DataTable
              caption="Versions of the score"
              rows={items}
              rowKey={(v) => v.hash}
              cols={[
                { label: "In force since", show: (v) => instant(v.since) },
                { label: "Name", show: (v) => <code>{v.hash.slice(0, 8)}</code> },
                {
                  label: "Models",
                  show: (v) => [...new Set(v.methods.map((m) => METHOD[m] ?? m))].join(", ") || "–",
                },
                {
                  label: "Days",
                  show: (v) =>
                    v.in_force ? "in force" : v.accounts > 0 ? `kept, of ${number(v.accounts, 0)} accounts` : "let go",
                },
              ]}
            />
            <p className="dim small">
              A version is the score&apos;s models with the metrics and segments that they read. The days of the{" "}
              {number(kept, 0)} versions before the one in force are kept.
            </p>
          </>
        )}
      </Loaded>
    </details>
  );
}
