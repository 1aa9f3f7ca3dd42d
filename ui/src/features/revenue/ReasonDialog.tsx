import { Button, Checkbox, Modal, Radio, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { sessionQuery } from "@/features/auth/queries";
import { day, instant } from "@/shared/days";
import { money } from "@/shared/format";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { accountChurnQuery, type AccountChurn, type ChurnFact } from "./queries";
import css from "./revenue.module.css";
import { reasonLabel } from "./rules";

type What = "reason" | "notice" | "cancellation" | "save";

/** The reasons of one account's notices and ends: to read, to give and, for managers, to correct. */
export function ReasonDialog({ account, close }: { account: string; close: () => void }) {
  const answer = useQuery(accountChurnQuery(account));
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={<strong>{answer.data ? `Why ${answer.data.name} leaves` : "Why a customer leaves"}</strong>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Loaded of={answer} lines={8}>
        {(data) => <Body data={data} close={close} />}
      </Loaded>
    </Modal>
  );
}

/** What the dialogue begins with: the newest end or notice that still needs a reason, else the newest of all. */
function first(data: AccountChurn): ChurnFact | undefined {
  return data.facts.find((f) => !f.has_reason) ?? data.facts[0];
}

function Body({ data, close }: { data: AccountChurn; close: () => void }) {
  const role = useQuery(sessionQuery).data?.user.role;
  const writes = role !== undefined && role !== "viewer";
  const manages = role === "manager" || role === "admin";
  const [what, setWhat] = useState<What>("reason");
  const [key, setKey] = useState(() => {
    const f = first(data);
    return f ? `${f.about}/${f.on}` : "";
  });
  const fact = data.facts.find((f) => `${f.about}/${f.on}` === key) ?? data.facts[0];
  const open = data.facts.find((f) => f.about === "notice" && !f.saved_on);
  const choices: { value: What; label: string }[] = [
    ...(data.facts.length > 0 ? [{ value: "reason" as const, label: "Reason" }] : []),
    ...(data.active ? [{ value: "notice" as const, label: "Record a notice" }] : []),
    ...(data.active && open ? [{ value: "save" as const, label: "Record a save" }] : []),
    ...(data.active && data.subscriptions > 0
      ? [{ value: "cancellation" as const, label: "Record a cancellation" }]
      : []),
  ];
  const chosen = choices.some((c) => c.value === what) ? what : (choices[0]?.value ?? "reason");
  return (
    <div className={css.dialog}>
      <p className="dim">
        {data.active ? "Active" : "Churned"} · {money(data.mrr, data.currency)} a month · {data.owner ?? "no owner"}
      </p>
      {writes && choices.length > 1 ? (
        <SegmentedControl
          size="xs"
          aria-label="What to record"
          value={chosen}
          onChange={(v) => setWhat(v as What)}
          data={choices}
        />
      ) : null}
      {chosen === "reason" ? (
        fact ? (
          <>
            {data.facts.length > 1 ? (
              <Radio.Group label="Of" value={`${fact.about}/${fact.on}`} onChange={setKey}>
                <div className={css.radios}>
                  {data.facts.map((f) => (
                    <Radio key={`${f.about}/${f.on}`} size="xs" value={`${f.about}/${f.on}`} label={factName(f)} />
                  ))}
                </div>
              </Radio.Group>
            ) : (
              <strong>{factName(fact)}</strong>
            )}
            <History fact={fact} />
            {!writes ? null : fact.has_reason && !manages ? (
              <p className="dim">A reason is on record. Correcting it is for managers.</p>
            ) : (
              <ReasonForm key={key + String(fact.version)} data={data} fact={fact} what="reason" close={close} />
            )}
          </>
        ) : (
          <Empty title="No notice and no end">This account has given no notice and has not left.</Empty>
        )
      ) : chosen === "save" && open ? (
        <SaveForm data={data} notice={open} close={close} />
      ) : (
        <ReasonForm
          key={chosen}
          data={data}
          what={chosen === "cancellation" ? "cancellation" : "notice"}
          close={close}
        />
      )}
    </div>
  );
}

const factName = (f: ChurnFact): string => `${f.about === "notice" ? "Notice of" : "Left on"} ${day(f.on)}`;

function History({ fact }: { fact: ChurnFact }) {
  if (fact.history.length === 0) return <p className="dim">Nobody has said why.</p>;
  return (
    <ol className={css.history} aria-label="What was said">
      {fact.history.map((h) => (
        <li key={`${h.recorded_at}${h.reason ?? ""}`}>
          <strong>{reasonLabel(h.reason)}</strong>
          {h.secondary.length > 0 ? ` with ${h.secondary.map(reasonLabel).join(", ")}` : ""}
          {h.competitor ? `, to ${h.competitor}` : ""}
          {h.comment ? `: ${h.comment}` : ""}
          <span className="dim small">
            {" "}
            · {h.author ?? `source ${h.source}`}, {instant(h.recorded_at)}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** The first thing that is wrong with a field, in the server's words. */
function fault(error: unknown, field: string): string | undefined {
  if (!(error instanceof ApiProblem)) return undefined;
  const found = error.errors.find((e) => e.field === field);
  return found ? `${found.problem ?? ""}: ${found.remedy ?? ""}` : undefined;
}

function ReasonForm({
  data,
  fact,
  what,
  close,
}: {
  data: AccountChurn;
  fact?: ChurnFact;
  what: Exclude<What, "save">;
  close: () => void;
}) {
  const queries = useQueryClient();
  const now = fact?.has_reason ? fact.now : null;
  const [on, setOn] = useState(data.today);
  const [primary, setPrimary] = useState(now?.reason ?? "");
  const [secondary, setSecondary] = useState<string[]>(now?.secondary ?? []);
  const [competitor, setCompetitor] = useState(now?.competitor ?? "");
  const [comment, setComment] = useState(now?.comment ?? "");
  const id = data.account_id;
  const save = useMutation({
    mutationFn: () => {
      const reason = {
        primary,
        secondary: secondary.filter((s) => s !== primary),
        competitor: competitor.trim() || null,
        comment: comment.trim() || null,
      };
      const params = { path: { id } };
      if (what === "notice")
        return take(api.POST("/api/v1/revenue/accounts/{id}/notices", { params, body: { on, ...reason } }));
      if (what === "cancellation")
        return take(api.POST("/api/v1/revenue/accounts/{id}/cancellations", { params, body: { on, ...reason } }));
      return take(
        api.POST("/api/v1/revenue/accounts/{id}/reasons", {
          params,
          body: { about: fact?.about ?? "cancellation", on: fact?.on ?? on, version: fact?.version ?? 0, ...reason },
        }),
      );
    },
    onSuccess: async () => {
      await queries.invalidateQueries();
      close();
    },
  });
  const missing = primary === "" ? "Choose the main reason." : null;
  const quiet = primary === "unknown" && comment.trim() === "" ? "Say what was tried to find it out." : null;
  const stale = save.error instanceof ApiProblem && save.error.status === 409;
  return (
    <form
      className={css.dialog}
      onSubmit={(e) => {
        e.preventDefault();
        if (!missing && !quiet) save.mutate();
      }}
    >
      {what === "reason" ? null : (
        <TextInput
          type="date"
          required
          label={what === "notice" ? "Day of the notice" : "First day without the customer"}
          description={
            what === "cancellation" ? "Every running subscription ends on it. This cannot be taken back." : undefined
          }
          value={on}
          max={data.today}
          error={fault(save.error, "on")}
          onChange={(e) => setOn(e.currentTarget.value)}
          w={240}
        />
      )}
      <Radio.Group
        label="Main reason"
        withAsterisk
        value={primary}
        onChange={setPrimary}
        error={fault(save.error, "primary")}
      >
        <div className={css.radios}>
          {data.reasons.map((r) => (
            <Radio key={r.code} value={r.code} label={r.label} />
          ))}
        </div>
      </Radio.Group>
      <Checkbox.Group label="Other reasons" value={secondary} onChange={setSecondary}>
        <div className={css.radios}>
          {data.reasons
            .filter((r) => r.code !== "unknown" && r.code !== primary)
            .map((r) => (
              <Checkbox key={r.code} value={r.code} label={r.label} />
            ))}
        </div>
      </Checkbox.Group>
      {primary === "competitor" || secondary.includes("competitor") ? (
        <TextInput
          label="Which competitor"
          value={competitor}
          error={fault(save.error, "competitor")}
          onChange={(e) => setCompetitor(e.currentTarget.value)}
        />
      ) : null}
      <Textarea
        label="In the customer's words"
        withAsterisk={primary === "unknown"}
        description={primary === "unknown" ? "What was tried to find the reason out." : undefined}
        autosize
        minRows={2}
        maxLength={2000}
        value={comment}
        error={fault(save.error, "comment")}
        onChange={(e) => setComment(e.currentTarget.value)}
      />
      {save.error ? <Problem inline error={save.error} /> : null}
      {stale ? (
        <Button
          variant="default"
          onClick={() => void queries.invalidateQueries({ queryKey: ["revenue", "account", id] })}
        >
          Show what stands there now
        </Button>
      ) : null}
      <div className={css.buttons}>
        <span className="dim small" role="status">
          {missing ?? quiet ?? ""}
        </span>
        <Button type="submit" loading={save.isPending} disabled={missing !== null || quiet !== null}>
          {what === "notice"
            ? "Record the notice"
            : what === "cancellation"
              ? "Record the cancellation"
              : fact?.has_reason
                ? "Correct the reason"
                : "Record the reason"}
        </Button>
      </div>
    </form>
  );
}

function SaveForm({ data, notice, close }: { data: AccountChurn; notice: ChurnFact; close: () => void }) {
  const queries = useQueryClient();
  const [how, setHow] = useState("");
  const save = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/revenue/accounts/{id}/saves", {
          params: { path: { id: data.account_id } },
          body: { notice_on: notice.on, how: how.trim() },
        }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries();
      close();
    },
  });
  return (
    <form
      className={css.dialog}
      onSubmit={(e) => {
        e.preventDefault();
        if (how.trim()) save.mutate();
      }}
    >
      <p>The notice of {day(notice.on)} was taken back.</p>
      <Textarea
        label="What made the customer stay"
        required
        autosize
        minRows={2}
        maxLength={2000}
        value={how}
        error={fault(save.error, "how")}
        onChange={(e) => setHow(e.currentTarget.value)}
      />
      {save.error ? <Problem inline error={save.error} /> : null}
      <div className={css.buttons}>
        <Button type="submit" loading={save.isPending} disabled={how.trim() === ""}>
          Record the save
        </Button>
      </div>
    </form>
  );
}
