import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { PageHead } from "@/shared/ui/Panel";
import { Program } from "@/features/program/Program";
import { Audit } from "./Audit";
import { Keys } from "./Keys";
import { sessionQuery } from "./queries";
import { Users } from "./Users";
import { You } from "./You";

/** People, keys, the program and the record of what was changed. */
export function Settings() {
  const admin = useQuery(sessionQuery).data?.user.role === "admin";
  const { tab = admin ? "users" : "you" } = useSearch({ from: "/settings" });
  const navigate = useNavigate({ from: "/settings" });
  return (
    <>
      <PageHead title="Settings" />
      <Tabs
        value={tab}
        onChange={(t) => void navigate({ search: (s) => ({ ...s, tab: t ?? undefined }) })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {admin ? <Tabs.Tab value="users">People</Tabs.Tab> : null}
          {admin ? <Tabs.Tab value="keys">Keys</Tabs.Tab> : null}
          <Tabs.Tab value="program">Program</Tabs.Tab>
          {admin ? <Tabs.Tab value="audit">Audit</Tabs.Tab> : null}
          <Tabs.Tab value="you">You</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="users">
          <Users />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
        <Tabs.Panel value="program">
          <Program />
        </Tabs.Panel>
        <Tabs.Panel value="audit">
          <Audit />
        </Tabs.Panel>
        <Tabs.Panel value="you">
          <You />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
