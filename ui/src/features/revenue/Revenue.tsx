import { Tabs } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useAsOf } from "@/app/asOf";
import { PageHead } from "@/shared/ui/Panel";
import { Views } from "@/features/views/Views";
import { Bridge } from "./Bridge";
import { Churn } from "./Churn";
import { Cohorts } from "./Cohorts";
import { Filters } from "./Filters";
import type { Who } from "./queries";
import { ReasonDialog } from "./ReasonDialog";
import { Saves } from "./Saves";
import { Top } from "./Top";

/** What the page is narrowed by, from the address. */
export function useWho(): Who {
  const { segment, owner, currency, filter } = useSearch({ from: "/revenue" });
  const { asOf } = useAsOf();
  return { as_of: asOf, segment, owner, currency, filter };
}

const TABS: { value: string; label: string }[] = [
  { value: "bridge", label: "Bridge" },
  { value: "churn", label: "Churn" },
  { value: "saves", label: "Saves" },
  { value: "cohorts", label: "Cohorts" },
  { value: "top", label: "Top customers" },
];

/** Where monthly revenue came from and went, who left and why, and who could be kept. */
export function Revenue() {
  const search = useSearch({ from: "/revenue" });
  const { tab = "bridge", account } = search;
  const navigate = useNavigate({ from: "/revenue" });
  return (
    <>
      <PageHead
        title="Revenue"
        sub="Where monthly revenue came from and went, who left and why, and who could be kept."
      >
        <Views page="revenue" search={search} />
      </PageHead>
      <Filters />
      <Tabs
        value={tab}
        onChange={(t) =>
          // What is open belongs to the tab; what narrows the page goes along.
          void navigate({
            search: ({ as_of, segment, owner, currency, filter }) => ({
              as_of,
              segment,
              owner,
              currency,
              filter,
              tab: t ?? undefined,
            }),
          })
        }
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {TABS.map((t) => (
            <Tabs.Tab key={t.value} value={t.value}>
              {t.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="bridge">
          <Bridge />
        </Tabs.Panel>
        <Tabs.Panel value="churn">
          <Churn />
        </Tabs.Panel>
        <Tabs.Panel value="saves">
          <Saves />
        </Tabs.Panel>
        <Tabs.Panel value="cohorts">
          <Cohorts />
        </Tabs.Panel>
        <Tabs.Panel value="top">
          <Top />
        </Tabs.Panel>
      </Tabs>
      {account ? (
        <ReasonDialog
          key={account}
          account={account}
          close={() => void navigate({ search: (s) => ({ ...s, account: undefined }) })}
        />
      ) : null}
    </>
  );
}
