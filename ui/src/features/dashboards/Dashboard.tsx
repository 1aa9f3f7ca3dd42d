import { useNoteOpened } from "@/features/setup/useNoteOpened";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback } from "react";
import { useAsOf } from "@/app/asOf";
import { day } from "@/shared/days";
import { Fresh } from "@/shared/ui/Fresh";
import { Views } from "@/features/views/Views";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded, Skeleton } from "@/shared/ui/State";
import css from "./dashboards.module.css";
import { FilterBar } from "./FilterBar";
import { fillScreen } from "./fillScreen";
import { PageMenus } from "./PageMenus";
import { dashboardQuery } from "./queries";
import { behind, type Place } from "./rules";
import { TileCard } from "./TileCard";

const Drill = lazy(() => import("./Drill"));
const EditPage = lazy(() => import("./EditPage"));
const Wall = lazy(() => import("./Wall"));

/** One dashboard: its filters, its tiles, and the accounts behind the point that was chosen. */
export function DashboardPage() {
  const { id } = useParams({ from: "/dashboards/$id" });
  const search = useSearch({ from: "/dashboards/$id" });
  const { period, compare, segment, owner, tile, series, at, wall, edit } = search;
  const { asOf } = useAsOf();
  const navigate = useNavigate({ from: "/dashboards/$id" });
  const answer = useQuery(dashboardQuery(id, { period, compare, segment, owner, as_of: asOf }));
  const open = (place: Place) =>
    void navigate({ search: (s) => ({ ...s, tile: place.tile, series: place.series, at: place.at }) });
  const close = () => void navigate({ search: (s) => ({ ...s, tile: undefined, series: undefined, at: undefined }) });
  const page = answer.data;
  useNoteOpened(page !== undefined);
  const leave = useCallback(() => void navigate({ search: (s) => ({ ...s, wall: undefined }) }), [navigate]);
  const changing = edit !== undefined && page?.may_edit === true;
  const opened = page && tile && !changing ? behind(page, { tile, series, at }) : null;
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
        {page && !changing ? (
          <Views key={id} page={`dashboards/${id}`} search={{ period, compare, segment, owner }} />
        ) : null}
        {page && !changing ? (
          <PageMenus
            page={page}
            wall={() => {
              fillScreen();
              void navigate({ search: (s) => ({ ...s, wall: "on" }) });
            }}
            change={() => void navigate({ search: (s) => ({ ...s, edit: "1" }) })}
          />
        ) : null}
      </PageHead>
      <Loaded of={answer} lines={12}>
        {(data) =>
          changing ? (
            <Suspense fallback={<Skeleton lines={10} />}>
              <EditPage page={data} close={() => void navigate({ search: (s) => ({ ...s, edit: undefined }) })} />
            </Suspense>
          ) : (
            <>
              {data.description ? <p className={css.about}>{data.description}</p> : null}
              <FilterBar page={data} />
              {data.tiles.length === 0 ? (
                <Empty title="This dashboard has no tiles yet">
                  {data.may_edit ? "“Change” adds the first one." : "Its owner has not put anything on it."}
                </Empty>
              ) : (
                <div className={css.grid} aria-busy={answer.isPlaceholderData}>
                  {data.tiles.map((t) => (
                    <TileCard key={t.id} tile={t} page={data} open={open} />
                  ))}
                </div>
              )}
            </>
          )
        }
      </Loaded>
      {page && wall !== undefined ? (
        <Suspense>
          <Wall page={page} turn={wall} leave={leave} />
        </Suspense>
      ) : null}
      {page && opened ? (
        <Suspense>
          <Drill title={opened.title} of={opened.of} asOf={asOf} currency={page.currency} close={close} />
        </Suspense>
      ) : null}
    </>
  );
}
