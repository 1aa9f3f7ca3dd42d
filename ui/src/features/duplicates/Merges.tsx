import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { AccountMerge, ContactMerge, DuplicateKind } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { scalar, words } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel, type Col } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import { afterMerge, contactMergesQuery, mergesQuery, partAccounts, partContacts } from "./queries";

/** What was merged, by whom, and the way back. */
export function Merges({ kind }: { kind: DuplicateKind }) {
  return kind === "accounts" ? <AccountMerges /> : <ContactMerges />;
}

type Standing = { id: string; survivor_name: string; merged_name: string; at: string; parted_at: string | null };

function usePart(part: (id: string) => Promise<unknown>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (m: Standing) => part(m.id),
    onSuccess: async (_, m) => {
      await afterMerge(queries);
      toast(`${m.survivor_name} and ${m.merged_name} are two again.`);
    },
  });
}

function end<T extends Standing>(may: boolean, part: ReturnType<typeof usePart>): Col<T>[] {
  return [
    { label: "When", show: (m) => <Ago at={m.at} /> },
    {
      label: "Part",
      show: (m) =>
        m.parted_at ? (
          <span className="dim">
            parted <Ago at={m.parted_at} />
          </span>
        ) : may ? (
          <Button
            size="compact-xs"
            variant="default"
            loading={part.isPending && part.variables.id === m.id}
            onClick={() => part.mutate(m)}
            aria-label={`Part ${m.survivor_name} and ${m.merged_name}`}
          >
            Part again
          </Button>
        ) : (
          "stands"
        ),
    },
  ];
}

function AccountMerges() {
  const merges = useQuery(mergesQuery);
  const role = useQuery(sessionQuery).data?.user.role;
  const part = usePart(partAccounts);
  return (
    <Loaded of={merges} lines={5}>
      {(data) =>
        data.items.length === 0 ? (
          <Empty title="No accounts are merged" />
        ) : (
          <Panel title="Merged accounts" flush>
            {part.error ? <Problem inline error={part.error} /> : null}
            <DataTable<AccountMerge>
              caption="Merged accounts"
              rows={data.items}
              rowKey={(m) => m.id}
              cols={[
                {
                  label: "Account",
                  show: (m) => (
                    <Link to="/accounts/$id" params={{ id: m.survivor }}>
                      {m.survivor_name}
                    </Link>
                  ),
                },
                { label: "Merged into it", show: (m) => `${m.merged_name} (${m.merged})` },
                {
                  label: "Remembered",
                  show: (m) =>
                    m.remembered
                      .map(
                        (f) => `${words(f.field)} ${scalar(m.choices[f.field] === "merged" ? f.survivor : f.merged)}`,
                      )
                      .join(", ") || "–",
                },
                ...end<AccountMerge>(role === "manager" || role === "admin", part),
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  );
}

function ContactMerges() {
  const merges = useQuery(contactMergesQuery);
  const role = useQuery(sessionQuery).data?.user.role;
  const part = usePart(partContacts);
  return (
    <Loaded of={merges} lines={5}>
      {(data) =>
        data.items.length === 0 ? (
          <Empty title="No contacts are merged" />
        ) : (
          <Panel title="Merged contacts" flush>
            {part.error ? <Problem inline error={part.error} /> : null}
            <DataTable<ContactMerge>
              caption="Merged contacts"
              rows={data.items}
              rowKey={(m) => m.id}
              cols={[
                {
                  label: "Contact",
                  show: (m) => (
                    <Link to="/contacts/$id" params={{ id: m.survivor }}>
                      {m.survivor_name}
                    </Link>
                  ),
                },
                { label: "Shown in it", show: (m) => `${m.merged_name} (${m.merged})` },
                ...end<ContactMerge>(role !== "viewer", part),
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  );
}
