import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

/** The imports, looked at again each second while one runs, and whenever the page is entered: one may have begun elsewhere. */
export const importsQuery = queryOptions({
  queryKey: ["imports"],
  queryFn: () => take(api.GET("/api/v1/imports", { params: { query: { limit: 100 } } })),
  refetchInterval: (query) => (query.state.data?.items.some((i) => i.state === "running") ? 1000 : 5_000),
  staleTime: 0,
});

/** One import, looked at again while it runs. */
export const importQuery = (id: string) =>
  queryOptions({
    queryKey: ["imports", id],
    queryFn: () => take(api.GET("/api/v1/imports/{id}", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.state === "running" ? 700 : false),
  });

/** One's own uploads. */
export const uploadsQuery = queryOptions({
  queryKey: ["uploads"],
  queryFn: () => take(api.GET("/api/v1/uploads")),
  staleTime: 0,
});

/** One upload, looked at again while an archive is unpacked or a file comes in, from this window or another one. */
export const uploadQuery = (upload: string) =>
  queryOptions({
    queryKey: ["uploads", upload],
    queryFn: () => take(api.GET("/api/v1/uploads/{upload}", { params: { path: { upload } } })),
    refetchInterval: (query) => {
      const files = query.state.data?.files ?? [];
      if (files.some((f) => f.state === "unpacking")) return 700;
      return files.some((f) => f.state === "receiving") || query.state.data?.imported_state === "running"
        ? 2_000
        : false;
    },
    staleTime: 0,
  });

/** A file of an upload with its map and first rows. */
export const uploadFileQuery = (upload: string, file: string) =>
  queryOptions({
    queryKey: ["uploads", upload, file],
    queryFn: () => take(api.GET("/api/v1/uploads/{upload}/files/{file}", { params: { path: { upload, file } } })),
    staleTime: 60_000,
  });

export const rejectsQuery = (importId: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["rejects", importId ?? "all"],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/api/v1/rejects", {
          params: { query: { import: importId, state: "open", cursor: pageParam, limit: 50 } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
