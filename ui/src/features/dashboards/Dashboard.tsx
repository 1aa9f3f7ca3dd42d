import { useNoteOpened } from "@/features/setup/useNoteOpened";
import { Button } from "@mantine/core";
import { useFullscreenElement } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import css from "./dashboards.module.css";
import { FilterBar } from "./FilterBar";
import { dashboardQuery } from "./queries";
import { behind, type Place } from "./rules";
import { TileCard } from "./TileCard";

const Drill = lazy(() => import("./Drill"));

/** One dashboard: its filters, its tiles, and the accounts behind the point that was chosen. */
export function DashboardPage() {
  const { id } = useParams({ from: "/dashboards/$id" });
  const { period, compare, segment, owner, tile, series, at } = useSearch({ from: "/dashboards/$id" });
  const { asOf } = useAsOf();
  const navigate = useNavigate({ from: "/dashboards/$id" });
  const answer = useQuery(dashboardQuery(id, { period, compare, segment, owner, as_of: asOf }));
  const open = (place: Place) =>
    void navigate({ search: (s) => ({ ...s, tile: place.tile, series: place.series, at: place.at }) });
  const close = () => void navigate({ search: (s) => ({ ...s, tile: undefined, series: undefined, at: undefined }) });
  const page = answer.data;
  useNoteOpened(page !== undefined);
  const wall = useFullscreenElement<HTMLDivElement>();
  const opened = page && tile ? behind(page, { tile, series, at }) : null;
  return (
    <>
      <PageHead
        title={page?.title ?? "Dashboard"}
        sub={
          page ? (
            <>
              <Link to="/dashboards" className={css.back}>
                Dashboards
              </Link>{" "}
              · Figures up to {day(page.as_of, "long")} · <Fresh at={page.computed_at} />
            </>
          ) : (
            <Link to="/dashboards" className={css.back}>
              Dashboards
            </Link>
          )
        }
      >
        <div className={css.tools}>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name="expand" size={14} />}
            onClick={() => void wall.toggle()}
          >
            Full screen
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<Icon name="content" size={14} />}
            onClick={() => window.print()}
          >
            Print or PDF
          </Button>
        </div>
      </PageHead>
      <Loaded of={answer} lines={12}>
        {(data) => (
          <div ref={wall.ref} className={wall.fullscreen ? css.wall : undefined}>
            {wall.fullscreen ? <h2 className={css.wallTitle}>{data.title}</h2> : null}
            {data.description ? <p className={css.about}>{data.description}</p> : null}
            {wall.fullscreen ? null : <FilterBar page={data} />}
            {data.tiles.length === 0 ? (
              <Empty title="This dashboard has no tiles yet" />
            ) : (
              <div className={css.grid} aria-busy={answer.isPlaceholderData}>
                {data.tiles.map((t) => (
                  <TileCard key={t.id} tile={t} page={data} open={open} />
                ))}
              </div>
            )}
          </div>
        )}
      </Loaded>
      {opened ? (
        <Suspense>
          <Drill title={opened.title} of={opened.of} asOf={asOf} close={close} />
        </Suspense>
      ) : null}
    </>
  );
}
