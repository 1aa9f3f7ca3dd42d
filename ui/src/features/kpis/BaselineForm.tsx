import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { TargetDetail } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { day, instant, isDay } from "@/shared/days";
import { Problem } from "@/shared/ui/State";
import css from "./kpis.module.css";

const SOURCES = {
  stated: "as the source states it",
  measured: "measured",
  by_hand: "frozen by hand",
} as const;

/** The baseline: what it is, what was done to it, and for managers freezing it anew or giving it back. */
export function BaselineForm({
  data,
  show,
  live,
}: {
  data: TargetDetail;
  show: (v: number | null | undefined) => string;
  live: boolean;
}) {
  const queries = useQueryClient();
  const role = useQuery(sessionQuery).data?.user.role;
  const manages = role === "manager" || role === "admin";
  const { target: t } = data;
  const [on, setOn] = useState(t.baseline_on);
  const [reason, setReason] = useState("");
  const done = () => queries.invalidateQueries();
  const params = { path: { id: t.id } };
  const freeze = useMutation({
    mutationFn: () =>
      take(api.POST("/api/v1/targets/{id}/baseline", { params, body: { on, reason, version: data.version } })),
    onSuccess: done,
  });
  const release = useMutation({
    mutationFn: () =>
      take(api.POST("/api/v1/targets/{id}/baseline/release", { params, body: { reason, version: data.version } })),
    onSuccess: done,
  });
  const error = freeze.error ?? release.error;
  const unsaid = reason.trim() === "";
  return (
    <section aria-label="Baseline">
      <h3>Baseline</h3>
      <p className={css.definition}>
        <strong>{t.baseline === null ? "not measured yet" : show(t.baseline)}</strong> on {day(t.baseline_on)},{" "}
        {SOURCES[t.baseline_source]}
        {t.frozen_at
          ? `, since ${instant(t.frozen_at)}`
          : t.baseline_source === "measured"
            ? ", still follows its data"
            : ""}
        .
        {t.baseline_source === "by_hand"
          ? ` The program ${data.program_baseline === null ? "asks for it to be measured" : `states ${show(data.program_baseline)}`} on ${day(data.program_baseline_on)}.`
          : ""}
      </p>
      {data.changes.length > 0 ? (
        <ol className={css.changes} aria-label="What was done to the baseline">
          {data.changes.map((c) => (
            <li key={c.version}>
              {c.action === "frozen" ? `Frozen at ${show(c.value)}, of ${day(c.on)}` : "Given back to the program"}:{" "}
              {c.reason}{" "}
              <span className="dim small">
                · {c.author}, {instant(c.at)}
              </span>
            </li>
          ))}
        </ol>
      ) : null}
      {manages && live ? (
        <form
          className={css.baseline}
          onSubmit={(e) => {
            e.preventDefault();
            if (!unsaid && isDay(on)) freeze.mutate();
          }}
        >
          <TextInput
            type="date"
            label="Measure on"
            value={on}
            max={data.as_of}
            onChange={(e) => setOn(e.currentTarget.value)}
          />
          <TextInput
            label="Why"
            required
            maxLength={1000}
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
          />
          <Button type="submit" loading={freeze.isPending} disabled={unsaid || !isDay(on)}>
            Measure and freeze
          </Button>
          {t.baseline_source === "by_hand" ? (
            <Button variant="default" loading={release.isPending} disabled={unsaid} onClick={() => release.mutate()}>
              Give back to the program
            </Button>
          ) : null}
        </form>
      ) : null}
      {error ? <Problem inline error={error} /> : null}
    </section>
  );
}
