import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { percent, sentence } from "@/shared/format";
import css from "./models.module.css";
import { accuracyQuery, type ScoreAccuracy } from "./queries";
import { beaten, besideBefore, withInterval } from "./rules";

/** What the score is worth, in one line, where the score itself is shown. */
export function AccuracyLine({ score }: { score: string }) {
  const { data } = useQuery(accuracyQuery(score));
  if (!data) return null;
  return (
    <div className={css.accuracy} role="note" aria-label="Accuracy of this score">
      <Said it={data} />{" "}
      {data.running !== null ? (
        <span className="dim" role="status">
          A back-test is running: {percent(data.running, 0)}.
        </span>
      ) : null}
    </div>
  );
}

function Said({ it }: { it: ScoreAccuracy }) {
  const to = it.outcome.toLowerCase();
  if (!it.auc || !it.made_at)
    return it.running !== null ? null : (
      <>
        How well this score tells {to} has not been tested yet: <Link to="/accuracy">run a back-test</Link>.
      </>
    );
  return (
    <>
      <strong>{it.proven ? "Proven" : "Not proven"}</strong>: AUC {withInterval(it.auc)} for {to} within{" "}
      {it.horizon_days} days{it.method === "transparent" ? ", learnt points" : ", set by hand"}; {beaten(it.against)}
      {it.before ? `; ${besideBefore(it.before.difference)}` : ""}.{" "}
      <span className="dim">
        {it.proven ? "" : `${sentence(it.reason)} `}Back-test of {day(it.made_at.slice(0, 10))}, cutoffs to{" "}
        {it.to ? day(it.to) : "–"}.
      </span>{" "}
      <Link to="/accuracy">What it must beat</Link>
    </>
  );
}
