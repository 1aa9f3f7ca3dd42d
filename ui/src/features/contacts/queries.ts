import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import type { ContactFlag } from "@/api/types";

export type ContactsFilter = { q?: string; flag?: string; consent?: string };

export const FLAGS: { value: ContactFlag; label: string }[] = [
  { value: "champion", label: "Champion" },
  { value: "sponsor", label: "Sponsor" },
  { value: "decision_maker", label: "Decision maker" },
  { value: "user", label: "User" },
];
export const flagLabel = (flag: ContactFlag): string => FLAGS.find((f) => f.value === flag)?.label ?? flag;

export const contactsQuery = (filter: ContactsFilter) =>
  infiniteQueryOptions({
    queryKey: ["contacts", "list", filter],
    queryFn: ({ pageParam, signal }) =>
      take(api.GET("/api/v1/contacts", { params: { query: { ...filter, cursor: pageParam, limit: 100 } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const contactQuery = (id: string) =>
  queryOptions({
    queryKey: ["contacts", "one", id],
    queryFn: () => take(api.GET("/api/v1/contacts/{id}", { params: { path: { id } } })),
  });
