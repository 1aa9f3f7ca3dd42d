import { useQuery } from "@tanstack/react-query";
import { day } from "@/shared/days";
import { number } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import { useLater } from "@/shared/useLater";
import type { Definition } from "./models";
import { draftAccuracyQuery, previewQuery } from "./queries";
import { BAND_LABEL, BANDS, isBand, signed } from "./rules";
import css from "./scores.module.css";

/** What the tried models would do today, and how well they would have told: followed while something is changed. */
export function DraftPreview({ tried, changed }: { tried: Definition; changed: boolean }) {
  const preview = useQuery(previewQuery(useLater(tried, 250)));
  const data = preview.data;
  const label = (band: string) => (isBand(band) ? BAND_LABEL[band] : band);
  return (
    <aside className={css.preview} aria-label="What the change would do">
      <h3 className={css.sub}>Today, {changed ? "with the change" : "without a change"}</h3>
      {preview.error ? <Problem inline error={preview.error} /> : null}
      {data ? (
        <div role="status" aria-busy={preview.isFetching}>
          <Both now={data.now.distribution} then={data.then.distribution} />
          <p className={css.told}>
            {number(data.changed, 0)} accounts would have other points; the average goes from{" "}
            {data.now.average === null ? "–" : number(data.now.average, 1)} to{" "}
            {data.then.average === null ? "–" : number(data.then.average, 1)}.
          </p>
          <table className={css.matrix}>
            <caption className="sr">Accounts by band, now and with the change</caption>
            <thead>
              <tr>
                <th scope="col">Band</th>
                <th scope="col">Now</th>
                <th scope="col">Then</th>
              </tr>
            </thead>
            <tbody>
              {BANDS.map((b) => (
                <tr key={b}>
                  <th scope="row">{BAND_LABEL[b]}</th>
                  <td>{number(data.now[b], 0)}</td>
                  <td>{number(data.then[b], 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {data.moves.length > 0 ? (
            <ul className={css.list}>
              {data.moves.map((m) => (
                <li key={m.from + m.to}>
                  {label(m.from)} to {label(m.to)}: {number(m.accounts, 0)}, for example{" "}
                  {m.sample.slice(0, 3).join(", ")}
                </li>
              ))}
            </ul>
          ) : null}
        </div>
      ) : null}
      <Accuracy tried={tried} valid={!preview.isError} />
    </aside>
  );
}

/** The distribution as it is, and over it as it would be. */
function Both({ now, then }: { now: number[]; then: number[] }) {
  const most = Math.max(1, ...now, ...then);
  const told = (list: number[]) =>
    list
      .map((n, at) => (n > 0 ? `${at * 5} to ${at * 5 + 5}: ${n}` : null))
      .filter(Boolean)
      .join("; ");
  return (
    <>
      <div className={css.bars} role="img" aria-label={`Accounts by score, now: ${told(now)}. Then: ${told(then)}.`}>
        {then.map((n, at) => (
          <div key={at} className={css.pair}>
            <div style={{ height: `${((now[at] ?? 0) / most) * 100}%`, background: "var(--line-2)" }} />
            <div style={{ height: `${(n / most) * 100}%`, background: "var(--brand)" }} />
          </div>
        ))}
      </div>
      <div className={css.axis} aria-hidden="true">
        {[0, 25, 50, 75, 100].map((tick) => (
          <span key={tick}>{tick}</span>
        ))}
      </div>
      <p className="dim small">Grey: now. Coloured: then.</p>
    </>
  );
}

/** The accuracy on the newest closed cutoffs: slower than the rest, so it waits until nothing has moved for a moment. */
function Accuracy({ tried, valid }: { tried: Definition; valid: boolean }) {
  const later = useLater(tried, 900);
  const answer = useQuery({ ...draftAccuracyQuery(later), enabled: valid });
  const waiting = answer.isFetching || later !== tried;
  const it = answer.data;
  const show = (a: { value: number; low: number; high: number } | null) =>
    a ? `${number(a.value, 3)} (${number(a.low, 3)} to ${number(a.high, 3)})` : "–";
  return (
    <>
      <h3 className={css.sub}>Accuracy</h3>
      <div role="status" aria-busy={waiting}>
        {waiting ? <p className="dim small">Testing it on the newest closed months…</p> : null}
        {answer.error ? <Problem inline error={answer.error} /> : null}
        {it ? (
          it.then === null ? (
            <p className={css.told}>
              {it.rows === 0
                ? "No month end's horizon has passed yet, so nothing can be said."
                : `Among ${number(it.rows, 0)} accounts there is only one kind of outcome, so nothing can be said.`}
            </p>
          ) : (
            <>
              <p className={css.told}>
                AUC {show(it.now)} as it is, <strong>{show(it.then)}</strong> with the change
                {it.difference ? ` (${signed(it.difference.value * 1000)} thousandths)` : ""}, over {number(it.rows, 0)}{" "}
                accounts on {it.cutoffs.map((c) => day(c)).join(", ")}; to {number(it.positives, 0)} of them it came.
              </p>
              <p className="dim small">{it.note}</p>
            </>
          )
        ) : null}
      </div>
    </>
  );
}
