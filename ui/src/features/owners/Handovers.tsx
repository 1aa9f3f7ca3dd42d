import { Checkbox } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Handover } from "@/api/types";
import { day } from "@/shared/days";
import { Ago } from "@/shared/ui/Fresh";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { ownerName } from "./names";
import css from "./owners.module.css";
import { handoversQuery, OWNERS } from "./queries";

/** Every hand-over that is open. */
export function Handovers() {
  const open = useQuery(handoversQuery);
  return (
    <Loaded of={open} lines={6}>
      {(data) =>
        data.items.length === 0 ? (
          <Empty title="No hand-over is open">
            One starts by itself when an account goes from one owner to another, or grows into a segment that its owner
            does not serve.
          </Empty>
        ) : (
          <HandoverList items={data.items} />
        )
      }
    </Loaded>
  );
}

/** Checklists, each with its account. */
export function HandoverList({ items, named = true }: { items: Handover[]; named?: boolean }) {
  return (
    <div className={css.cards}>
      {items.map((h) => (
        <Card key={h.id} handover={h} named={named} />
      ))}
    </div>
  );
}

function Card({ handover: h, named }: { handover: Handover; named: boolean }) {
  const queries = useQueryClient();
  // What was just ticked is shown at once; the answer decides what stays.
  const [ticked, setTicked] = useState<{ no: number; done: boolean } | null>(null);
  const tick = useMutation({
    mutationFn: ({ no, done }: { no: number; done: boolean }) => {
      const params = { path: { id: h.id, no } };
      return done
        ? take(api.PUT("/api/v1/handovers/{id}/items/{no}/tick", { params }))
        : take(api.DELETE("/api/v1/handovers/{id}/items/{no}/tick", { params }));
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: OWNERS });
      setTicked(null);
      await queries.invalidateQueries({ queryKey: ["accounts"] });
    },
  });
  const title =
    h.cause === "segment"
      ? `Segment changed; ${ownerName(h.to)} does not serve it`
      : `From ${ownerName(h.from)} to ${ownerName(h.to)}`;
  return (
    <Panel
      title={named ? `Hand-over of ${h.account_name}` : "Hand-over"}
      aside={
        <span className="dim">
          {h.closed_as === "done" ? "done " : h.closed_as === "taken_back" ? "taken back " : "started "}
          <Ago at={h.closed_at ?? h.started_at} />
        </span>
      }
    >
      <p className={css.cardTitle}>
        {title}
        {named ? (
          <>
            {" · "}
            <Link to="/accounts/$id" params={{ id: h.account_id }}>
              Open the account
            </Link>
          </>
        ) : null}
      </p>
      <ul className={css.checklist}>
        {h.items.map((i) => (
          <li key={i.no}>
            <Checkbox
              size="md"
              classNames={{ label: css.task }}
              label={i.title}
              checked={ticked?.no === i.no ? ticked.done : i.done_at !== null}
              disabled={tick.isPending || h.closed_as === "taken_back"}
              onChange={(e) => {
                const asked = { no: i.no, done: e.currentTarget.checked };
                setTicked(asked);
                tick.mutate(asked);
              }}
            />
            <span className={i.overdue ? css.overdue : "dim"}>
              {i.done_at ? (
                <>
                  done <Ago at={i.done_at} />
                </>
              ) : (
                `${i.overdue ? "overdue since" : "due"} ${day(i.due_on)}`
              )}
            </span>
          </li>
        ))}
      </ul>
      {tick.error ? <Problem inline error={tick.error} /> : null}
    </Panel>
  );
}
