import { Button, Select } from "@mantine/core";
import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import type { FieldFill } from "@/api/types";
import { money, number, percent, words } from "@/shared/format";
import { Ago, Fresh } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { SegmentChip } from "@/shared/ui/Segment";
import { Empty, Loaded } from "@/shared/ui/State";
import css from "./imports.module.css";

const completenessQuery = (segment: string | undefined) =>
  queryOptions({
    queryKey: ["completeness", segment ?? ""],
    queryFn: () => take(api.GET("/api/v1/completeness", { params: { query: { segment } } })),
    placeholderData: keepPreviousData,
  });

/** How complete what is known of accounts and contacts is, and who lacks what. */
export default function Completeness() {
  const { segment, field } = useSearch({ from: "/data" });
  const navigate = useNavigate({ from: "/data" });
  const it = useQuery(completenessQuery(segment));
  const [object, name] = field?.split(".", 2) ?? [];
  return (
    <div className={css.stack}>
      {object && name ? (
        <Lacking object={object} field={field?.slice(object.length + 1) ?? name} segment={segment} />
      ) : null}
      <Loaded of={it} lines={10}>
        {(data) =>
          data.accounts === 0 && segment === undefined ? (
            <Empty title="No account is active">
              <Link to="/data" search={{ tab: "imports" }}>
                Import accounts
              </Link>{" "}
              to see what is known of them.
            </Empty>
          ) : (
            <>
              <div className={css.form}>
                <Select
                  label="Segment"
                  placeholder="All"
                  clearable
                  clearButtonProps={{ "aria-label": "All segments" }}
                  value={segment ?? null}
                  data={data.segments.map((s) => ({ value: s, label: words(s) }))}
                  onChange={(s) => void navigate({ search: (was) => ({ ...was, segment: s ?? undefined }) })}
                  maw={240}
                />
                <span className="dim" style={{ paddingBottom: 8 }}>
                  Active accounts and their contacts. <Fresh at={data.at} verb="as of" />
                </span>
              </div>
              <Fields title={`${number(data.accounts, 0)} accounts`} object="accounts" fields={data.account_fields} />
              <Fields title={`${number(data.contacts, 0)} contacts`} object="contacts" fields={data.contact_fields} />
            </>
          )
        }
      </Loaded>
    </div>
  );
}

function Fields({ title, object, fields }: { title: string; object: string; fields: FieldFill[] }) {
  return (
    <Panel title={title} flush>
      <DataTable
        caption={`Fields of ${object}`}
        rows={fields}
        rowKey={(f) => f.field}
        cols={[
          {
            label: "Field",
            show: (f) => (
              <>
                <strong>{f.label === f.field ? words(f.field) : f.label}</strong>
                {f.required ? <span className="dim small"> needed</span> : null}
              </>
            ),
          },
          {
            label: "Filled",
            num: true,
            show: (f) => (
              <>
                <meter
                  className={css.meter}
                  min={0}
                  max={Math.max(1, f.total)}
                  value={f.filled}
                  aria-label={`${f.field} filled`}
                />{" "}
                {percent(f.share)}
              </>
            ),
          },
          {
            label: "Lack it",
            num: true,
            show: (f) =>
              f.filled === f.total ? (
                "0"
              ) : (
                <Link
                  to="/data"
                  search={(was) => ({ ...was, tab: "completeness", field: `${object}.${f.field}` })}
                  aria-label={`${f.total - f.filled} lack ${f.field}`}
                >
                  {number(f.total - f.filled, 0)}
                </Link>
              ),
          },
          {
            label: "By segment",
            show: (f) => (
              <span className={css.segments}>
                {f.by_segment.map((s) => (
                  <span key={s.segment} className="nowrap">
                    <SegmentChip id={s.segment} /> {percent(s.total > 0 ? s.filled / s.total : null, 0)}
                  </span>
                ))}
              </span>
            ),
          },
          { label: "Last updated", show: (f) => <Ago at={f.updated_at} /> },
          {
            label: "From",
            show: (f) =>
              f.sources.length === 0 ? <span className="dim">–</span> : f.sources.map((s) => s.source).join(", "),
          },
        ]}
      />
    </Panel>
  );
}

function Lacking({ object, field, segment }: { object: string; field: string; segment: string | undefined }) {
  const pages = useInfiniteQuery({
    queryKey: ["completeness", "lacking", object, field, segment ?? ""],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/completeness/{object}/{field}", {
          params: { path: { object, field }, query: { segment, cursor: pageParam, limit: 50 } },
        }),
      ),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <Loaded of={pages} lines={5}>
      {(data) => (
        <Panel
          title={`${number(data.pages[0]?.total ?? 0, 0)} ${object} without ${words(field).toLowerCase()}`}
          flush
          aside={
            <Link to="/data" search={(was) => ({ ...was, tab: "completeness", field: undefined })}>
              Close
            </Link>
          }
        >
          <DataTable
            caption="Who lacks it"
            rows={data.pages.flatMap((p) => p.items)}
            rowKey={(i) => i.contact_id ?? i.account_id}
            cols={[
              {
                label: "Account",
                show: (i) => (
                  <Link to="/accounts/$id" params={{ id: i.account_id }}>
                    {i.name}
                  </Link>
                ),
              },
              ...(object === "contacts"
                ? [
                    {
                      label: "Contact",
                      show: (i: { contact_id: string | null }) => <span className="mono">{i.contact_id}</span>,
                    },
                  ]
                : []),
              { label: "Segment", show: (i) => <SegmentChip id={i.segment} /> },
              { label: "Owner", show: (i) => i.owner ?? <span className="dim">nobody</span> },
              { label: "MRR", num: true, show: (i) => money(i.mrr, null) },
            ]}
          />
          {pages.hasNextPage ? (
            <Button
              m="md"
              size="xs"
              variant="default"
              loading={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              Show more
            </Button>
          ) : null}
        </Panel>
      )}
    </Loaded>
  );
}
