import { Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { PageHead } from "@/shared/ui/Panel";
import { Skeleton } from "@/shared/ui/State";
import { Views } from "@/features/views/Views";
import { Sources } from "@/features/events/Sources";
import { Imports } from "./Imports";
import { Rejects } from "./Rejects";

const Explorer = lazy(() => import("@/features/events/Explorer"));
const Completeness = lazy(() => import("./Completeness"));
const Duplicates = lazy(() => import("@/features/duplicates/Duplicates"));
const Sql = lazy(() => import("@/features/events/Sql"));

/** What comes in: sources, imports, refused rows; and a question to all of it. */
export function Data() {
  const search = useSearch({ from: "/data" });
  const { tab = "sources", import: importId, upload, file, segment, field, event, kind, show } = search;
  const navigate = useNavigate({ from: "/data" });
  return (
    <>
      <PageHead title="Data" sub="Where it comes from, how fresh it is, and what was refused.">
        <Views page="data" search={{ tab: search.tab, segment, field, event, kind, show }} />
      </PageHead>
      <Tabs
        value={tab}
        onChange={(t) => void navigate({ search: (s) => ({ as_of: s.as_of, tab: t ?? undefined }) })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          <Tabs.Tab value="sources">Sources</Tabs.Tab>
          <Tabs.Tab value="imports">Imports</Tabs.Tab>
          <Tabs.Tab value="rejects">Rejects</Tabs.Tab>
          <Tabs.Tab value="completeness">Completeness</Tabs.Tab>
          <Tabs.Tab value="duplicates">Duplicates</Tabs.Tab>
          <Tabs.Tab value="events">Events</Tabs.Tab>
          <Tabs.Tab value="sql">SQL</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="sources">
          <Sources />
        </Tabs.Panel>
        <Tabs.Panel value="imports">
          <Imports upload={upload} file={file} shown={importId} />
        </Tabs.Panel>
        <Tabs.Panel value="rejects">
          <Rejects importId={importId} />
        </Tabs.Panel>
        <Tabs.Panel value="completeness">
          <Suspense fallback={<Skeleton />}>
            <Completeness />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="duplicates">
          <Suspense fallback={<Skeleton />}>
            <Duplicates />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="events">
          <Suspense fallback={<Skeleton />}>
            <Explorer />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="sql">
          <Suspense fallback={<Skeleton />}>
            <Sql />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
