import { Slider } from "@mantine/core";
import { useState } from "react";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { Panel } from "@/shared/ui/Panel";
import css from "./accounts.module.css";
import { dayAt, daysBetween } from "./steps";

/** Moves the whole page to any day since the account is known; the right end is now. */
export function AsOfSlider({ first, today }: { first: string; today: string }) {
  const { asOf, setAsOf } = useAsOf();
  const most = Math.max(1, daysBetween(first, today));
  const settled = asOf ? Math.min(most, Math.max(0, daysBetween(first, asOf))) : most;
  const [moving, setMoving] = useState<number | null>(null);
  const at = moving ?? settled;
  return (
    <Panel title="The page as it was">
      <div className={css.slider}>
        <Slider
          min={0}
          max={most}
          step={1}
          value={at}
          label={(v) => (v === most ? "now" : day(dayAt(first, v)))}
          thumbLabel="Day that the page stands for"
          onChange={setMoving}
          onChangeEnd={(v) => {
            setMoving(null);
            setAsOf(v === most ? undefined : dayAt(first, v));
          }}
        />
        <span className="dim small">{day(first)}</span>
        <strong>{at === most ? "Now" : day(dayAt(first, at), "long")}</strong>
        <span className="dim small">{day(today)}</span>
      </div>
    </Panel>
  );
}
