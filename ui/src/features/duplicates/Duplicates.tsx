import { Button, SegmentedControl } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { DuplicateKind, DuplicatePair, DuplicateSide } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { money, number, percent, words } from "@/shared/format";
import { Fresh } from "@/shared/ui/Fresh";
import { Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import css from "./duplicates.module.css";
import { MergeDialog } from "./MergeDialog";
import { Merges } from "./Merges";
import { afterMerge, dismiss, duplicatesQuery, mergeContacts, PAGE, restore } from "./queries";

type Show = "open" | "dismissed" | "merges";
const SIGNS: Record<string, string> = {
  identifier: "Same id",
  email: "Same e-mail",
  domain: "Same website",
  name: "Same name",
  email_domain: "Contacts at the same e-mail domain",
};

/** Records that look like one: with the evidence, to be merged, parted again, or said to be two. */
export default function Duplicates() {
  const { kind: asked, show: wanted, one, other } = useSearch({ from: "/data" });
  const navigate = useNavigate({ from: "/data" });
  const kind: DuplicateKind = asked === "contacts" ? "contacts" : "accounts";
  const show: Show = wanted === "dismissed" || wanted === "merges" ? wanted : "open";
  const change = (next: Record<string, string | undefined>) =>
    void navigate({ search: (s) => ({ ...s, one: undefined, other: undefined, ...next }) });
  return (
    <>
      <div className={css.bar}>
        <SegmentedControl
          aria-label="Duplicates of"
          value={kind}
          data={[
            { value: "accounts", label: "Accounts" },
            { value: "contacts", label: "Contacts" },
          ]}
          onChange={(v) => change({ kind: v })}
        />
        <SegmentedControl
          aria-label="Which"
          value={show}
          data={[
            { value: "open", label: "To decide" },
            { value: "dismissed", label: "Not the same" },
            { value: "merges", label: "Merged" },
          ]}
          onChange={(v) => change({ show: v })}
        />
      </div>
      {show === "merges" ? (
        <Merges kind={kind} />
      ) : (
        <Pairs key={`${kind}${show}`} kind={kind} dismissed={show === "dismissed"} />
      )}
      {one && other && kind === "accounts" ? <MergeDialog one={one} other={other} close={() => change({})} /> : null}
    </>
  );
}

function Pairs({ kind, dismissed }: { kind: DuplicateKind; dismissed: boolean }) {
  const [offset, setOffset] = useState(0);
  const found = useQuery(duplicatesQuery(kind, dismissed, offset));
  return (
    <Loaded of={found} lines={8}>
      {(data) =>
        data.total === 0 ? (
          <Empty title={dismissed ? "Nothing was said to be two" : "Nothing looks like a duplicate"}>
            {kind === "accounts"
              ? "Accounts are compared by tax and CRM ids, website, name, and the e-mail domain of their contacts."
              : "Contacts are compared by e-mail address, and by name within one account."}
          </Empty>
        ) : (
          <>
            <p className="dim" role="status">
              {number(data.total, 0)} {data.total === 1 ? "pair" : "pairs"}, the likeliest first ·{" "}
              <Fresh at={data.looked_at} />
            </p>
            <div className={css.pairs}>
              {data.items.map((pair) => (
                <Pair key={`${pair.one.id} ${pair.other.id}`} kind={kind} pair={pair} dismissed={dismissed} />
              ))}
            </div>
            <div className={css.bar}>
              {offset > 0 ? (
                <Button variant="default" size="xs" onClick={() => setOffset(offset - PAGE)}>
                  Before
                </Button>
              ) : null}
              {offset + PAGE < data.total ? (
                <Button variant="default" size="xs" onClick={() => setOffset(offset + PAGE)}>
                  More
                </Button>
              ) : null}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

function Pair({ kind, pair, dismissed }: { kind: DuplicateKind; pair: DuplicatePair; dismissed: boolean }) {
  const queries = useQueryClient();
  const navigate = useNavigate({ from: "/data" });
  const role = useQuery(sessionQuery).data?.user.role;
  const { one, other } = pair;
  const again = () => queries.invalidateQueries({ queryKey: ["duplicates"] });
  const say = useMutation({
    mutationFn: () => (dismissed ? restore : dismiss)(kind, one.id, other.id),
    onSuccess: async () => {
      await again();
      if (!dismissed)
        toast(`${one.name} and ${other.name} are two.`, async () => {
          await restore(kind, one.id, other.id);
          await again();
        });
    },
  });
  const merge = useMutation({
    mutationFn: () => mergeContacts(one.id, other.id),
    onSuccess: async () => {
      await afterMerge(queries);
      toast(`${other.name} is shown in ${one.name} now. It can be parted again under Merged.`);
    },
  });
  const open = () => void navigate({ search: (s) => ({ ...s, one: one.id, other: other.id }) });
  const mayMerge = kind === "contacts" ? role !== "viewer" : role === "manager" || role === "admin";
  return (
    <Panel
      title={`${one.name} and ${other.name}`}
      aside={<strong title="How sure, from what they share">{percent(pair.score, 0)}</strong>}
    >
      <div className={css.sides}>
        <Side kind={kind} side={one} />
        <Side kind={kind} side={other} />
      </div>
      <ul className={css.signs} aria-label="What they share">
        {pair.evidence.map((e) => (
          <li key={e.sign + e.value}>
            {SIGNS[e.sign] ?? words(e.sign)}: <code>{e.value}</code>
          </li>
        ))}
      </ul>
      <div className={css.bar}>
        {mayMerge && !dismissed ? (
          kind === "accounts" ? (
            <Button size="xs" onClick={open}>
              Compare and merge
            </Button>
          ) : (
            <Button size="xs" loading={merge.isPending} onClick={() => merge.mutate()}>
              Merge
            </Button>
          )
        ) : null}
        {role !== "viewer" ? (
          <Button size="xs" variant="default" loading={say.isPending} onClick={() => say.mutate()}>
            {dismissed ? "Ask again" : "Not the same"}
          </Button>
        ) : null}
      </div>
      {merge.error || say.error ? <Problem inline error={merge.error ?? say.error} /> : null}
    </Panel>
  );
}

function Side({ kind, side }: { kind: DuplicateKind; side: DuplicateSide }) {
  const facts =
    kind === "contacts"
      ? [side.email, side.account_id]
      : [
          side.segment ? words(side.segment) : null,
          side.mrr === null ? null : `${money(side.mrr, null)} MRR`,
          side.owner,
        ];
  return (
    <div className={css.side}>
      {kind === "contacts" ? (
        <Link to="/contacts/$id" params={{ id: side.id }}>
          {side.name}
        </Link>
      ) : (
        <Link to="/accounts/$id" params={{ id: side.id }}>
          {side.name}
        </Link>
      )}
      <span className="dim small">{[side.id, ...facts].filter(Boolean).join(" · ")}</span>
    </div>
  );
}
