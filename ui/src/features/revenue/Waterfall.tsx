import { money, number } from "@/shared/format";
import type { BridgeLine } from "./queries";
import css from "./revenue.module.css";
import { domain, signed, stepLabel, waterfall } from "./rules";

/** The bridge as bars: each step begins where the one before ended. A bar opens the accounts behind it. */
export function Waterfall({ line, open }: { line: BridgeLine; open: (step: string) => void }) {
  const bars = waterfall(line);
  const { from, to, cut } = domain(bars);
  const at = (value: number) => `${(Math.max(0, value - from) / (to - from)) * 100}%`;
  return (
    <>
      <div className={css.waterfall} style={{ "--bars": bars.length } as React.CSSProperties}>
        {bars.map((b) => {
          const low = b.kind === "total" ? from : b.low;
          return (
            <button
              key={b.step}
              type="button"
              className={css.bar}
              aria-label={`${stepLabel(b.step)}: ${b.kind === "total" ? money(b.amount, line.currency) : signed(b.amount, line.currency)}, ${number(b.accounts, 0)} accounts. Show them`}
              onClick={() => open(b.step)}
            >
              <span className={css.barBox} aria-hidden="true">
                <span
                  className={`${css.barFill} ${css[b.kind]}`}
                  style={{ bottom: at(low), height: `calc(${at(b.high)} - ${at(low)})` }}
                />
              </span>
              <span className={css.barText} aria-hidden="true">
                <span className="dim">{stepLabel(b.step)}</span>
                <strong className={b.kind === "gain" ? css.good : b.kind === "loss" ? css.bad : undefined}>
                  {b.kind === "total" ? money(b.amount, line.currency, true) : signed(b.amount, line.currency)}
                </strong>
                <span className="dim small">
                  {number(b.accounts, 0)} {b.accounts === 1 ? "account" : "accounts"}
                </span>
              </span>
            </button>
          );
        })}
      </div>
      {cut ? (
        <p className="dim small">
          The bars start at {money(from, line.currency, true)}, so that the changes can be seen; the figures beneath are
          whole.
        </p>
      ) : null}
    </>
  );
}
