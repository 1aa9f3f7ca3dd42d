import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { instant } from "@/shared/days";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";

/** Everything that anybody changed. */
export function Audit() {
  const pages = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/audit", { params: { query: { cursor: pageParam, limit: 100 } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  return (
    <Loaded of={pages} lines={10}>
      {(data) => {
        const rows = data.pages.flatMap((p) => p.items);
        if (rows.length === 0) return <Empty title="Nothing has been changed yet" />;
        return (
          <Panel title="Audit" flush>
            <DataTable
              caption="Audit"
              rows={rows}
              rowKey={(r) => String(r.seq)}
              cols={[
                { label: "When", show: (r) => <span className="nowrap">{instant(r.at)}</span> },
                { label: "Who", show: (r) => r.actor },
                { label: "What", show: (r) => <code>{r.action}</code> },
                { label: "On", show: (r) => r.subject || "–" },
                { label: "Details", show: (r) => <Detail value={r.detail} /> },
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
                Show older
              </Button>
            ) : null}
          </Panel>
        );
      }}
    </Loaded>
  );
}

function Detail({ value }: { value: unknown }) {
  const empty = value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  return empty ? (
    <span className="dim">–</span>
  ) : (
    <code style={{ overflowWrap: "anywhere" }}>{JSON.stringify(value)}</code>
  );
}
