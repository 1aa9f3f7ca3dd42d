import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { DashboardLine, DashboardsAnswer } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { FirstSteps } from "@/features/setup/FirstSteps";
import { useRowKeys } from "@/shared/useRowKeys";
import { instant } from "@/shared/days";
import { PageHead } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import ui from "@/shared/ui/ui.module.css";
import css from "./dashboards.module.css";
import edit from "./editing.module.css";
import { dashboardsQuery } from "./queries";
import { inGroups } from "./rules";

const grouped = (d: DashboardLine): DashboardLine =>
  d.shipped ? d : { ...d, group: d.mine ? "Yours" : "Shared with you" };

/** Every dashboard that the reader may see: their own first, then those of colleagues and of the program. */
export function Dashboards() {
  const answer = useQuery(dashboardsQuery);
  const role = useQuery(sessionQuery).data?.user.role;
  const list = useRef<HTMLDivElement>(null);
  const [making, setMaking] = useState(false);
  useRowKeys(list);
  const writes = role !== undefined && role !== "viewer";
  return (
    <>
      <PageHead title="Dashboards" sub="Pages of figures against their goals">
        {writes && answer.data ? (
          <Button size="xs" onClick={() => setMaking(true)}>
            New dashboard
          </Button>
        ) : null}
      </PageHead>
      {answer.error instanceof ApiProblem && answer.error.status === 409 ? (
        <FirstSteps />
      ) : (
        <Loaded of={answer} lines={8}>
          {(data) => (
            <>
              <Removed data={data} />
              {data.dashboards.length === 0 ? (
                <Empty title="No dashboard yet">
                  Make one of your own, or add files to the folder <code>dashboards</code> of the program.
                </Empty>
              ) : (
                <div ref={list} className={css.groups}>
                  {inGroups(
                    [...data.dashboards]
                      .sort((a, b) => Number(a.shipped) - Number(b.shipped) || Number(b.mine) - Number(a.mine))
                      .map(grouped),
                  ).map(([group, all]) => (
                    <section key={group} className={ui.panel} aria-label={group}>
                      <div className={ui.panelHead}>
                        <h2>{group}</h2>
                        <span className="dim">{all.length}</span>
                      </div>
                      <ul className={css.list}>
                        {all.map((d) => (
                          <li key={d.id}>
                            <span>
                              <Link to="/dashboards/$id" params={{ id: d.id }} data-row>
                                {d.title}
                              </Link>
                              {d.shipped ? null : <span className={css.tag}>{standing(d)}</span>}
                            </span>
                            <span className="dim">{d.description}</span>
                          </li>
                        ))}
                      </ul>
                    </section>
                  ))}
                </div>
              )}
              {making ? <NewDashboard data={data} close={() => setMaking(false)} /> : null}
            </>
          )}
        </Loaded>
      )}
    </>
  );
}

const standing = (d: DashboardLine): string =>
  d.mine
    ? d.sharing === "private"
      ? "only you"
      : d.sharing === "edit"
        ? "everybody may change it"
        : "everybody may look"
    : `by ${d.owner}`;

/** What was removed and can be brought back. */
function Removed({ data }: { data: DashboardsAnswer }) {
  const { removed } = useSearch({ from: "/dashboards" });
  const navigate = useNavigate({ from: "/dashboards" });
  const queries = useQueryClient();
  const back = useMutation({
    mutationFn: (id: string) => take(api.POST("/api/v1/dashboards/{id}/restoration", { params: { path: { id } } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["dashboards"] });
      await navigate({ search: {} });
    },
  });
  const last = data.removed.find((d) => d.id === removed);
  const rest = data.removed.filter((d) => d.id !== removed);
  return (
    <>
      {back.error ? <Problem inline error={back.error} /> : null}
      {removed && !data.dashboards.some((d) => d.id === removed) ? (
        <div className={css.gone} role="status">
          {last ? `${last.title} is removed.` : "The dashboard is removed."}
          <Button size="compact-xs" variant="default" loading={back.isPending} onClick={() => back.mutate(removed)}>
            Undo
          </Button>
        </div>
      ) : null}
      {rest.length > 0 ? (
        <details className={css.gone}>
          <summary>Removed within 30 days: {rest.length}</summary>
          <ul className={css.list}>
            {rest.map((d) => (
              <li key={d.id}>
                <span>
                  {d.title}
                  <span className={css.tag}>{d.removed_at ? instant(d.removed_at) : ""}</span>
                </span>
                <span>
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`Bring ${d.title} back`}
                    onClick={() => back.mutate(d.id)}
                  >
                    Bring back
                  </Button>
                </span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </>
  );
}

/** An id of one's own; plain HTTP has no `randomUUID`. */
const newId = (): string =>
  `own-${[...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("")}`;

function NewDashboard({ data, close }: { data: DashboardsAnswer; close: () => void }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  // One id for all tries: what was sent twice is there once.
  const [id] = useState(() => newId());
  const [title, setTitle] = useState("");
  const [from, setFrom] = useState("");
  const make = useMutation({
    mutationFn: () =>
      take(api.POST("/api/v1/dashboards", { body: { id, title: title.trim(), copy_of: from || undefined } })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["dashboards"] });
      await navigate({ to: "/dashboards/$id", params: { id: made.id }, search: { edit: "1" } });
    },
  });
  return (
    <Modal opened onClose={close} title={<strong>New dashboard</strong>} closeButtonProps={{ "aria-label": "Close" }}>
      <form
        className={edit.form}
        onSubmit={(e) => {
          e.preventDefault();
          make.mutate();
        }}
      >
        <TextInput
          label="Name"
          required
          maxLength={120}
          data-autofocus
          value={title}
          onChange={(e) => setTitle(e.currentTarget.value)}
        />
        <NativeSelect
          label="Starts from"
          description="It is yours alone until you share it."
          value={from}
          onChange={(e) => setFrom(e.currentTarget.value)}
          data={[
            { value: "", label: "An empty page" },
            ...data.dashboards.map((d) => ({ value: d.id, label: `A copy of ${d.title}` })),
          ]}
        />
        {make.error ? <Problem inline error={make.error} /> : null}
        <Button type="submit" loading={make.isPending} disabled={title.trim() === ""}>
          Make it
        </Button>
      </form>
    </Modal>
  );
}
