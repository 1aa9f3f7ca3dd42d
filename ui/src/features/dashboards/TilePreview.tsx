import { useQuery } from "@tanstack/react-query";
import type { TileDefinition } from "@/api/types";
import { useLater } from "@/shared/useLater";
import { Problem, Skeleton } from "@/shared/ui/State";
import { content, heightOf, widthOf } from "./editing";
import css from "./editing.module.css";
import { previewQuery } from "./queries";
import { TileContent } from "./TileCard";
import { missing } from "./tileKinds";

/** What a tile shows as it is typed, from the data in force; nothing of it is kept. */
export default function TilePreview({ tile }: { tile: TileDefinition }) {
  const typed = useLater(JSON.stringify(tile), 400);
  const later = JSON.parse(typed) as TileDefinition;
  const lacking = missing(later);
  const asked = lacking ? [] : [{ ...later, id: "shown" }];
  const trial = useQuery(previewQuery(asked.map(content).join(), asked, {}));
  const data = lacking ? undefined : trial.data?.tiles[0];
  return (
    <section className={css.preview} aria-label="Preview" aria-busy={trial.isFetching}>
      {lacking ? <p className="dim">{lacking}</p> : null}
      {trial.error && !lacking ? <Problem inline error={trial.error} /> : null}
      {trial.isFetching && !data ? <Skeleton lines={4} /> : null}
      {data && trial.data && !trial.error ? (
        <>
          <strong>{data.title}</strong>
          <div
            className={css.shown}
            style={{ "--h": heightOf(later), "--w": widthOf(later) } as React.CSSProperties}
            data-preview
          >
            <TileContent tile={data} page={trial.data} open={() => undefined} table={false} />
            {data.note && data.state === "ready" ? <p className="dim small">{data.note}</p> : null}
          </div>
        </>
      ) : null}
    </section>
  );
}
