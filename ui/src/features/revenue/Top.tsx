import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { day } from "@/shared/days";
import { money, number, percent, sentence } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Spark } from "@/shared/ui/Spark";
import { Empty, Loaded } from "@/shared/ui/State";
import { AccountLink, Stand } from "./Common";
import { csvAddress, topQuery } from "./queries";
import { useWho } from "./Revenue";
import css from "./revenue.module.css";
import { signed } from "./rules";

/** The customers that pay most, with what there is to look at. */
export function Top() {
  const who = useWho();
  const query = { ...who, limit: 100 };
  const answer = useQuery(topQuery(query));
  const navigate = useNavigate({ from: "/revenue" });
  return (
    <Loaded of={answer} lines={14}>
      {(data) => (
        <div className={css.page}>
          <Stand asOf={data.as_of} computedAt={data.computed_at} csv={csvAddress("top", query)} />
          {data.items.length === 0 ? (
            <Empty title="No active account passes the filters" />
          ) : (
            <Panel
              title={`Top ${data.items.length} of ${number(data.total, 0)} customers by MRR`}
              flush
              aside={
                data.renewal_attribute ? null : (
                  <span className="dim">The program declares no renewal date (attribute renews_on).</span>
                )
              }
            >
              <DataTable
                caption="Top customers"
                rows={data.items}
                rowKey={(r) => r.account_id}
                cols={[
                  {
                    label: "Customer",
                    show: (r) => (
                      <>
                        <span className="dim small">{r.rank}</span> <AccountLink id={r.account_id} name={r.name} />
                      </>
                    ),
                  },
                  { label: "Segment", show: (r) => <SegmentChip id={r.segment} /> },
                  { label: "Owner", show: (r) => r.owner ?? <span className="dim">none</span> },
                  {
                    label: "MRR",
                    num: true,
                    show: (r) => (
                      <>
                        <strong>{money(r.mrr, r.currency)}</strong>{" "}
                        <span className="dim small">{percent(r.share)}</span>
                      </>
                    ),
                  },
                  {
                    label: "12 months",
                    show: (r) => (
                      <span className={css.trend}>
                        <Spark values={r.trend} width={72} label={`MRR of ${r.name} over twelve months`} />
                        <span className="dim small nowrap">
                          {r.change_12m === null ? "" : signed(r.change_12m, r.currency)}
                        </span>
                      </span>
                    ),
                  },
                  {
                    label: "Renews",
                    show: (r) => (
                      <span className="nowrap">
                        {r.renews_on ? day(r.renews_on) : <span className="dim">not known</span>}
                      </span>
                    ),
                  },
                  {
                    label: "Last touch",
                    show: (r) =>
                      r.days_since_touch === null ? (
                        <span className="dim">none in 400 days</span>
                      ) : (
                        <span className="nowrap" title={day(r.last_touch)}>
                          {r.days_since_touch === 0 ? "today" : `${r.days_since_touch} d ago`}
                        </span>
                      ),
                  },
                  {
                    label: "Look at",
                    show: (r) =>
                      r.flags.length === 0 ? (
                        <span className="dim">–</span>
                      ) : (
                        <ul className={css.flags}>
                          {r.flags.map((f) => (
                            <li key={f.code + f.message}>
                              {f.code === "notice" ? (
                                <button
                                  type="button"
                                  className={css.link}
                                  onClick={() => void navigate({ search: (s) => ({ ...s, account: r.account_id }) })}
                                >
                                  {sentence(f.message)}
                                </button>
                              ) : (
                                sentence(f.message)
                              )}
                            </li>
                          ))}
                        </ul>
                      ),
                  },
                ]}
              />
            </Panel>
          )}
        </div>
      )}
    </Loaded>
  );
}
