import { Button, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import { day, isDay, monthEnd } from "@/shared/days";
import { Icon } from "@/shared/ui/Icon";
import { useAsOf } from "./asOf";
import css from "./shell.module.css";

const today = () => new Date().toISOString().slice(0, 10);

/** Days that reviews usually ask for. */
function presets(): { label: string; day: string }[] {
  const t = today();
  const month = Number(t.slice(5, 7));
  return [
    { label: "End of last month", day: monthEnd(t, 1) },
    { label: "End of last quarter", day: monthEnd(t, ((month - 1) % 3) + 1) },
    { label: "End of last year", day: monthEnd(t, month) },
    { label: "A year ago", day: `${Number(t.slice(0, 4)) - 1}${t.slice(4)}`.replace("-02-29", "-02-28") },
  ];
}

/** Chooses the day that every figure speaks of. */
export function AsOfPicker() {
  const { asOf, setAsOf } = useAsOf();
  const [opened, setOpened] = useState(false);
  const [draft, setDraft] = useState("");
  const choose = (value: string | undefined) => {
    setAsOf(value);
    setOpened(false);
  };
  const open = () => {
    setDraft(asOf ?? today());
    setOpened(!opened);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={320} trapFocus returnFocus shadow="md">
      <Popover.Target>
        <button
          type="button"
          className={`${css.asOf} ${asOf ? css.asOfSet : ""}`}
          onClick={open}
          aria-label={asOf ? `As of ${day(asOf)}. Change the day` : "Live. Change the day"}
        >
          <Icon name="calendar" /> {asOf ? day(asOf) : "Live"}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (isDay(draft)) choose(draft);
          }}
        >
          <TextInput
            type="date"
            label="Show every figure as of"
            description="With what is known now, in the segments of that day."
            value={draft}
            max={today()}
            onChange={(e) => setDraft(e.currentTarget.value)}
          />
          <div className={css.presets}>
            {presets().map((p) => (
              <Button key={p.label} size="xs" variant="default" onClick={() => choose(p.day)}>
                {p.label}
              </Button>
            ))}
          </div>
          <div className={css.presets}>
            <Button type="submit" size="xs" disabled={!isDay(draft) || draft > today()}>
              Show this day
            </Button>
            <Button size="xs" variant="subtle" onClick={() => choose(undefined)} disabled={!asOf}>
              Back to live
            </Button>
          </div>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Says plainly that the page does not show the present. */
export function AsOfBanner() {
  const { asOf, setAsOf } = useAsOf();
  if (!asOf) return null;
  return (
    <div className={css.banner} role="status">
      <Icon name="clock" />
      <span>
        Everything here is shown <strong>as of {day(asOf, "long")}</strong>, with what is known now.
      </span>
      <button type="button" onClick={() => setAsOf(undefined)}>
        Back to live
      </button>
    </div>
  );
}
