import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import type { Profile, Ticket } from "@/api/types";
import { Consents, Flags } from "@/features/contacts/Flags";
import { ownerName } from "@/features/owners/names";
import { day, instant } from "@/shared/days";
import { number, words } from "@/shared/format";
import { DataTable, Panel } from "@/shared/ui/Panel";
import css from "./accounts.module.css";

const Reassign = lazy(async () => ({ default: (await import("@/features/owners/Reassign")).Reassign }));

/** The people at the account: who plays which part, and what they agreed to. */
export function People({ p }: { p: Profile }) {
  return (
    <Panel title="Contacts" flush>
      {p.contacts.length === 0 ? (
        <p className={`dim ${css.more}`}>No contact is known.</p>
      ) : (
        <DataTable
          caption="Contacts"
          rows={p.contacts}
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
            { label: "Role", show: (c) => [c.title, c.role].filter(Boolean).join(", ") || "–" },
            { label: "Part", show: (c) => <Flags flags={c.flags} /> },
            { label: "E-mail", show: (c) => (c.email ? <a href={`mailto:${c.email}`}>{c.email}</a> : "–") },
            { label: "Consent", show: (c) => <Consents consents={c.consents} /> },
          ]}
        />
      )}
    </Panel>
  );
}

const STATE: Record<string, string> = { open: "Open", escalated: "Escalated", resolved: "Resolved" };

/** What the customer asked support. */
export function Tickets({ tickets }: { tickets: Ticket[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? tickets : tickets.slice(0, 8);
  const open = tickets.filter((t) => t.state !== "resolved").length;
  return (
    <Panel
      title="Tickets"
      flush
      aside={tickets.length > 0 ? <span className="dim">{number(open, 0)} open</span> : null}
    >
      {tickets.length === 0 ? (
        <p className={`dim ${css.more}`}>No ticket is known.</p>
      ) : (
        <DataTable
          caption="Tickets"
          rows={shown}
          rowKey={(t) => t.ticket_id}
          cols={[
            {
              label: "Ticket",
              show: (t) => (
                <>
                  <span className="mono">{t.ticket_id}</span> {t.subject ?? ""}
                </>
              ),
            },
            {
              label: "State",
              show: (t) =>
                `${STATE[t.state] ?? t.state}${t.reopened > 0 ? `, opened again ${t.reopened === 1 ? "once" : `${t.reopened} times`}` : ""}`,
            },
            { label: "Priority", show: (t) => (t.priority ? words(t.priority) : "–") },
            { label: "Opened", show: (t) => day(t.opened_at) },
            {
              label: "Resolved in",
              num: true,
              show: (t) => (t.hours === null ? "–" : `${number(t.hours, 1)} h`),
            },
          ]}
        />
      )}
      {tickets.length > shown.length ? (
        <div className={css.more}>
          <Button size="xs" variant="default" onClick={() => setAll(true)}>
            Show all {number(tickets.length, 0)}
          </Button>
        </div>
      ) : null}
    </Panel>
  );
}

/** Who has the account, since when, and the way to give it to somebody else. */
export function Ownership({ p, past }: { p: Profile; past: boolean }) {
  const [giving, setGiving] = useState(false);
  const a = p.account;
  return (
    <Panel
      title="Owner"
      flush
      aside={
        past ? null : (
          <Button size="xs" variant="default" onClick={() => setGiving(true)}>
            Reassign
          </Button>
        )
      }
    >
      <DataTable
        caption="Owners so far"
        rows={[...p.owner_history].reverse()}
        rowKey={(o) => o.from}
        cols={[
          {
            label: "Owner",
            show: (o) =>
              o.owner ? (
                <Link to="/owners/$owner" params={{ owner: o.owner }}>
                  {o.owner === a.owner && p.owner_name ? p.owner_name : ownerName(o.owner)}
                </Link>
              ) : (
                "Nobody"
              ),
          },
          { label: "From", show: (o) => day(o.from) },
          { label: "To", show: (o) => (o.to ? day(o.to) : "now") },
        ]}
      />
      {p.owner_moves.length > 0 ? (
        <details className={css.more}>
          <summary>Changes made here</summary>
          <ul>
            {p.owner_moves.map((m, i) => (
              <li key={`${m.at}${i}`}>
                {instant(m.at)}: {ownerName(m.from)} → {ownerName(m.to)}
                {m.reason ? `, ${m.reason}` : ""} <span className="dim">({words(m.cause).toLowerCase()})</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {giving ? (
        <Suspense fallback={null}>
          <Reassign
            title={`Reassign ${a.name}`}
            what={{ accounts: [a.account_id] }}
            currency={a.currency}
            close={() => setGiving(false)}
          />
        </Suspense>
      ) : null}
    </Panel>
  );
}
