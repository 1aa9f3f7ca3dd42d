import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { NotificationKind } from "@/api/types";

export const inboxQuery = (unread: boolean) =>
  infiniteQueryOptions({
    queryKey: ["inbox", "list", unread],
    queryFn: ({ pageParam }) =>
      take(api.GET("/api/v1/inbox", { params: { query: { unread, cursor: pageParam, limit: 50 } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** What stands around every page; asked again while the page is looked at, each second while figures are being computed. */
export const nowQuery = queryOptions({
  queryKey: ["inbox", "now"],
  queryFn: () => take(api.GET("/api/v1/now")),
  refetchInterval: (query) => ((query.state.data?.to_compute ?? 0) > 0 ? 1000 : 15_000),
  retry: false,
});

export const markRead = (ids: string[] | null, read: boolean) =>
  take(api.POST("/api/v1/inbox/read", { body: { ids: ids ?? undefined, read } }));

export const setWanted = (kind: NotificationKind, wanted: boolean) =>
  take(api.PUT("/api/v1/inbox/wanted", { body: { [kind]: wanted } as never }));

export const KINDS: Record<NotificationKind, string> = {
  mention: "Somebody mentions me in a note",
  handover: "An account is handed over to me",
  import: "An import of mine is done",
  silence: "A source falls silent",
  target: "A target's status changes",
  accuracy: "A model predicts worse than promised",
};
