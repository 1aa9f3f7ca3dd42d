import { Link } from "@tanstack/react-router";
import { Empty } from "@/shared/ui/State";

/** What a new installation needs before it has figures, in the order in which it is done. */
export function FirstSteps() {
  return (
    <Empty title="Three steps to the first figures">
      <ol style={{ margin: 0, paddingLeft: 18, display: "grid", gap: 8 }}>
        <li>
          <strong>Apply a program</strong>: the definitions of segments, metrics, KPIs and targets.{" "}
          <code>tenure program apply programs/medtrainer --data DIR</code>, or choose its files under{" "}
          <Link to="/settings" search={{ tab: "program" }}>
            Settings
          </Link>
          .
        </li>
        <li>
          <strong>Bring your accounts</strong>: import an export of your CRM under{" "}
          <Link to="/data" search={{ tab: "imports" }}>
            Data
          </Link>
          .
        </li>
        <li>
          <strong>Send events</strong>: make a key with scope “ingest” under{" "}
          <Link to="/settings" search={{ tab: "keys" }}>
            Settings
          </Link>{" "}
          and point your Segment or RudderStack SDK at this server.
        </li>
      </ol>
    </Empty>
  );
}
