import { Button, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { number } from "@/shared/format";
import { Choice } from "@/shared/ui/Choice";
import { useSoon } from "@/shared/useSoon";
import { Icon } from "@/shared/ui/Icon";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded } from "@/shared/ui/State";
import { Views } from "@/features/views/Views";
import { useDraft } from "@/shared/useDraft";
import css from "./contacts.module.css";
import { Consents, Flags } from "./Flags";
import { contactsQuery, FLAGS, type ContactsFilter } from "./queries";

/** The people at all accounts: found, by the part that they play and by what they agreed to. */
export function Contacts() {
  const search = useSearch({ from: "/contacts" });
  const navigate = useNavigate({ from: "/contacts" });
  const filter: ContactsFilter = { q: search.q, flag: search.flag, consent: search.consent };
  const pages = useInfiniteQuery(contactsQuery(filter));
  const [q, setQ] = useDraft(search.q ?? "");
  const change = (next: ContactsFilter) => void navigate({ search: (s) => ({ ...s, ...next }), replace: true });
  const soon = useSoon((value) => change({ q: value.trim() || undefined }), 200);
  const rows = pages.data?.pages.flatMap((p) => p.items) ?? [];
  const topics = pages.data?.pages[0]?.topics ?? [];
  const filtered = Boolean(search.q || search.flag || search.consent);
  return (
    <>
      <PageHead
        title="Contacts"
        sub={
          pages.data ? (
            <span role="status">
              {number(rows.length, 0)}
              {pages.hasNextPage ? " and more" : ""} {filtered ? "that match" : "people"}
            </span>
          ) : (
            "Loading"
          )
        }
      >
        <Views page="contacts" search={search} />
      </PageHead>
      <div className={css.filters}>
        <TextInput
          type="search"
          aria-label="Search by name, title, e-mail or id"
          placeholder="Search name, title, e-mail or id"
          leftSection={<Icon name="search" />}
          className={css.search}
          value={q}
          onChange={(e) => {
            setQ(e.currentTarget.value);
            soon(e.currentTarget.value);
          }}
        />
        <Choice label="Part" any="Any part" value={search.flag} data={FLAGS} change={(flag) => change({ flag })} />
        <Choice
          label="Consent"
          any="Any consent"
          value={search.consent}
          data={topics.flatMap((t) => [
            { value: t, label: `${t}: yes` },
            { value: `!${t}`, label: `${t}: no` },
          ])}
          change={(consent) => change({ consent })}
        />
      </div>
      <Loaded of={pages} lines={12}>
        {() =>
          rows.length === 0 ? (
            <Empty title={filtered ? "No contact matches" : "No contact is known yet"}>
              {filtered
                ? "Change the search or the filters above."
                : "Import contacts on the Data page, or send identify calls with the account's id."}
            </Empty>
          ) : (
            <Panel title="People" flush>
              <DataTable
                caption="Contacts"
                rows={rows}
                rowKey={(c) => c.contact_id}
                cols={[
                  {
                    label: "Name",
                    show: (c) => (
                      <Link to="/contacts/$id" params={{ id: c.contact_id }}>
                        {c.name ?? c.contact_id}
                      </Link>
                    ),
                  },
                  {
                    label: "Account",
                    show: (c) =>
                      c.account_id ? (
                        <Link to="/accounts/$id" params={{ id: c.account_id }}>
                          {c.account_name ?? c.account_id}
                        </Link>
                      ) : (
                        "–"
                      ),
                  },
                  { label: "Role", show: (c) => [c.title, c.role].filter(Boolean).join(", ") || "–" },
                  { label: "Part", show: (c) => <Flags flags={c.flags} /> },
                  { label: "E-mail", show: (c) => c.email ?? "–" },
                  { label: "Consent", show: (c) => <Consents consents={c.consents} /> },
                ]}
              />
              {pages.hasNextPage ? (
                <div className={css.foot}>
                  <Button
                    size="xs"
                    variant="default"
                    loading={pages.isFetchingNextPage}
                    onClick={() => void pages.fetchNextPage()}
                  >
                    Load more
                  </Button>
                </div>
              ) : null}
            </Panel>
          )
        }
      </Loaded>
    </>
  );
}
