import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { ApiProblem } from "@/api/problem";
import { FirstSteps } from "@/features/setup/FirstSteps";
import { useRowKeys } from "@/shared/useRowKeys";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import css from "./dashboards.module.css";
import { dashboardsQuery } from "./queries";
import { inGroups } from "./rules";

/** Every dashboard that the reader may see. */
export function Dashboards() {
  const answer = useQuery(dashboardsQuery);
  const list = useRef<HTMLDivElement>(null);
  useRowKeys(list);
  return (
    <>
      <PageHead title="Dashboards" sub="Pages of figures against their goals" />
      {answer.error instanceof ApiProblem && answer.error.status === 409 ? (
        <FirstSteps />
      ) : (
        <Loaded of={answer} lines={8}>
          {(data) =>
            data.dashboards.length === 0 ? (
              <Empty title="No dashboard yet">
                The program that is applied holds none: add files to its folder <code>dashboards</code>.
              </Empty>
            ) : (
              <div ref={list} className={css.groups}>
                {inGroups(data.dashboards).map(([group, all]) => (
                  <section key={group} className={ui.panel} aria-label={group}>
                    <div className={ui.panelHead}>
                      <h2>{group}</h2>
                      <span className="dim">{all.length}</span>
                    </div>
                    <ul className={css.list}>
                      {all.map((d) => (
                        <li key={d.id}>
                          <Link to="/dashboards/$id" params={{ id: d.id }} data-row>
                            {d.title}
                          </Link>
                          <span className="dim">{d.description}</span>
                        </li>
                      ))}
                    </ul>
                  </section>
                ))}
              </div>
            )
          }
        </Loaded>
      )}
    </>
  );
}
