import { ago, instant } from "../days";
import { useNow } from "../now";

/** When a figure was computed: how long ago, with the exact instant on hover. */
export function Fresh({ at, verb = "computed" }: { at: string | null | undefined; verb?: string }) {
  const now = useNow();
  if (!at) return <span className="dim">not {verb} yet</span>;
  return (
    <time className="dim nowrap" dateTime={at} title={instant(at)}>
      {verb} {ago(at, now)}
    </time>
  );
}

/** An instant as "5 min ago", with the exact one on hover. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow();
  return at ? (
    <time className="nowrap" dateTime={at} title={instant(at)}>
      {ago(at, now)}
    </time>
  ) : (
    <span className="dim">never</span>
  );
}
