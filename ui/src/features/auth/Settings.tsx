import { Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { PageHead } from "@/shared/ui/Panel";
import { Program } from "@/features/program/Program";
import { Audit } from "./Audit";
import { Keys } from "./Keys";
import { Users } from "./Users";

/** People, keys, the program and the record of what was changed. */
export function Settings() {
  const { tab = "users" } = useSearch({ from: "/settings" });
  const navigate = useNavigate({ from: "/settings" });
  return (
    <>
      <PageHead title="Settings" />
      <Tabs value={tab} onChange={(t) => void navigate({ search: (s) => ({ ...s, tab: t ?? undefined }) })} keepMounted={false}>
        <Tabs.List mb="lg">
          <Tabs.Tab value="users">People</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
          <Tabs.Tab value="program">Program</Tabs.Tab>
          <Tabs.Tab value="audit">Audit</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="users"><Users /></Tabs.Panel>
        <Tabs.Panel value="keys"><Keys /></Tabs.Panel>
        <Tabs.Panel value="program"><Program /></Tabs.Panel>
        <Tabs.Panel value="audit"><Audit /></Tabs.Panel>
      </Tabs>
    </>
  );
}
