import { Autocomplete, Button, Checkbox, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { ContactFlag, ContactPageAnswer } from "@/api/types";
import { tell } from "@/features/accounts/sentences";
import { instant } from "@/shared/days";
import { scalar, words } from "@/shared/format";
import { Ago, Fresh } from "@/shared/ui/Fresh";
import { DataTable, PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import css from "./contacts.module.css";
import { contactQuery, FLAGS } from "./queries";

/** One person at a customer: facts, part, consents, and what happened. */
export function ContactPage() {
  const { id } = useParams({ from: "/contacts/$id" });
  const page = useQuery(contactQuery(id));
  if (page.error instanceof ApiProblem && page.error.status === 404)
    return (
      <>
        <PageHead title="Contact" />
        <Empty title={`There is no contact “${id}”`}>
          <Link to="/contacts">All contacts</Link>
        </Empty>
      </>
    );
  return (
    <>
      <Link to="/contacts">All contacts</Link>
      <PageHead
        title={page.data?.contact.name ?? id}
        sub={
          <>
            <span className="mono">{id}</span>
            {page.data ? (
              <>
                {" · "}
                <Fresh at={page.data.computed_at} verb="read" />
              </>
            ) : null}
          </>
        }
      />
      <Loaded of={page} lines={10}>
        {(data) => <Body data={data} id={id} />}
      </Loaded>
    </>
  );
}

/** A change whose answer is the page as it is now. */
function useChange<V>(id: string, run: (v: V) => Promise<ContactPageAnswer>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: async (page) => {
      queries.setQueryData(contactQuery(id).queryKey, page);
      await queries.invalidateQueries({ queryKey: ["contacts", "list"] });
      await queries.invalidateQueries({ queryKey: ["accounts"] });
    },
  });
}

function Body({ data, id }: { data: ContactPageAnswer; id: string }) {
  const { contact: c } = data;
  const flag = useChange(id, ({ flag: f, on }: { flag: ContactFlag; on: boolean }) => {
    const params = { path: { id, flag: f } };
    return on
      ? take(api.PUT("/api/v1/contacts/{id}/flags/{flag}", { params }))
      : take(api.DELETE("/api/v1/contacts/{id}/flags/{flag}", { params }));
  });
  return (
    <div className={css.grid}>
      <div>
        <Panel title="Facts">
          <dl className={css.facts}>
            <div>
              <dt>Account</dt>
              <dd>
                {c.account_id ? (
                  <Link to="/accounts/$id" params={{ id: c.account_id }}>
                    {c.account_name ?? c.account_id}
                  </Link>
                ) : (
                  "not known"
                )}
              </dd>
            </div>
            <div>
              <dt>E-mail</dt>
              <dd>{c.email ? <a href={`mailto:${encodeURIComponent(c.email)}`}>{c.email}</a> : "not known"}</dd>
            </div>
            <div>
              <dt>Title</dt>
              <dd>{c.title ?? "–"}</dd>
            </div>
            <div>
              <dt>Role</dt>
              <dd>{c.role ?? "–"}</dd>
            </div>
            <div>
              <dt>First seen</dt>
              <dd>{instant(c.created_at)}</dd>
            </div>
            {Object.entries(c.attributes).map(([key, value]) => (
              <div key={key}>
                <dt>{words(key)}</dt>
                <dd>{scalar(value)}</dd>
              </div>
            ))}
          </dl>
        </Panel>
        <Panel title="Part at the account">
          <div className={css.row}>
            {FLAGS.map((f) => (
              <Checkbox
                key={f.value}
                size="sm"
                label={f.label}
                checked={c.flags.includes(f.value)}
                disabled={flag.isPending}
                onChange={(e) => flag.mutate({ flag: f.value, on: e.currentTarget.checked })}
              />
            ))}
          </div>
          {flag.error ? <Problem inline error={flag.error} /> : null}
        </Panel>
        <ConsentPanel data={data} id={id} />
      </div>
      <div>
        <Panel title="What happened">
          {data.events.length === 0 ? (
            <span className="dim">Nothing is known yet.</span>
          ) : (
            <ol className={css.events}>
              {data.events.map((e) => (
                <li key={e.message_id}>
                  <span>{tell(e).sentence}</span>
                  <span className="dim small">
                    <Ago at={e.occurred_at} />
                  </span>
                </li>
              ))}
            </ol>
          )}
        </Panel>
      </div>
    </div>
  );
}

function ConsentPanel({ data, id }: { data: ContactPageAnswer; id: string }) {
  const [topic, setTopic] = useState("");
  const [source, setSource] = useState("");
  const [note, setNote] = useState("");
  const set = useChange(id, ({ on, granted }: { on: string; granted: boolean }) =>
    take(
      api.PUT("/api/v1/contacts/{id}/consents/{topic}", {
        params: { path: { id, topic: on } },
        body: { granted, source: source.trim(), note },
      }),
    ),
  );
  const ready = topic.trim() !== "" && source.trim() !== "";
  return (
    <Panel title="Consent">
      <div className={css.form}>
        <div className={css.row}>
          <Autocomplete
            label="Topic"
            placeholder="product_news"
            data={[...new Set([...data.topics, "product_news", "education", "surveys", "references"])]}
            value={topic}
            onChange={setTopic}
          />
          <Autocomplete
            label="How it is known"
            placeholder="form, call, contract"
            data={["form", "call", "contract", "e-mail"]}
            value={source}
            onChange={setSource}
          />
          <TextInput label="In words" value={note} onChange={(e) => setNote(e.currentTarget.value)} />
          <Button
            size="xs"
            disabled={!ready}
            loading={set.isPending}
            onClick={() => set.mutate({ on: topic.trim(), granted: true })}
          >
            Agreed
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={!ready}
            loading={set.isPending}
            onClick={() => set.mutate({ on: topic.trim(), granted: false })}
          >
            Refused
          </Button>
        </div>
        {set.error ? <Problem inline error={set.error} /> : null}
        {data.consent_history.length === 0 ? (
          <span className="dim">Never asked.</span>
        ) : (
          <DataTable
            caption="Consent history"
            rows={data.consent_history}
            rowKey={(h) => `${h.topic}${h.at}`}
            cols={[
              { label: "Topic", show: (h) => h.topic },
              { label: "Answer", show: (h) => (h.granted ? "agreed" : "refused") },
              { label: "When", show: (h) => instant(h.at) },
              { label: "Source", show: (h) => h.source },
              { label: "In words", show: (h) => h.note || "–" },
            ]}
          />
        )}
      </div>
    </Panel>
  );
}
