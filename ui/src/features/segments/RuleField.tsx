import { Autocomplete, Button, Select, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Suspense, lazy, useCallback, useMemo, useState } from "react";
import type { RuleName, RuleOutcome } from "@/api/types";
import { money, number, sentence } from "@/shared/format";
import { useDraft } from "@/shared/useDraft";
import { useLater } from "@/shared/useLater";
import { Icon } from "@/shared/ui/Icon";
import { Skeleton } from "@/shared/ui/State";
import { namesQuery, ruleQuery } from "./queries";
import { OPS, literalOf, opsFor, parse, write, type Row, type Rule } from "./rules";
import css from "./segments.module.css";

const Code = lazy(() => import("@/shared/ui/Code"));

type Props = { label: string; value: string; change: (rule: string) => void; currency: string | null; live?: boolean };

/** One rule, as rows where rows can say it and as SQL always, with whom it takes while it is being written. */
export function RuleField({ label, value, change, currency, live = true }: Props) {
  const names = useQuery(namesQuery);
  const [sql, setSql] = useState(false);
  const rule = useMemo(() => parse(value), [value]);
  const asked = useLater(value, 250);
  const outcome = useQuery({ ...ruleQuery(asked), enabled: live && asked.trim() !== "" });
  const known = names.data?.names ?? [];
  const rows = rule && !sql;
  const found = live ? outcome.data : undefined;
  const marks = useMemo(
    () =>
      found?.problem && asked === value
        ? [
            {
              line: found.problem.line ?? 1,
              column: found.problem.column ?? 1,
              message: `${found.problem.problem}. ${found.problem.remedy}`,
              severity: "error" as const,
            },
          ]
        : [],
    [found, asked, value],
  );
  const functions = names.data?.functions;
  const words = useCallback(
    () => [
      ...(names.data?.names ?? []).map((n) => ({ label: n.name, detail: n.label, type: "variable" })),
      ...(functions ?? []).map((f) => ({ label: f, detail: "function", type: "function" })),
    ],
    [names.data, functions],
  );
  return (
    <div className={css.field} role="group" aria-label={label}>
      <div className={css.modes}>
        <Button
          size="compact-xs"
          variant={rows ? "light" : "subtle"}
          aria-pressed={Boolean(rows)}
          disabled={!rule}
          onClick={() => setSql(false)}
        >
          Rows
        </Button>
        <Button size="compact-xs" variant={rows ? "subtle" : "light"} aria-pressed={!rows} onClick={() => setSql(true)}>
          SQL
        </Button>
        {rule ? null : <span className="dim small">Written in SQL that rows cannot show.</span>}
      </div>
      {rows && rule ? (
        <Rows label={label} rule={rule} names={known} change={(next) => change(write(next))} />
      ) : (
        <Suspense fallback={<Skeleton lines={1} />}>
          <Code label={`${label} as SQL`} value={value} change={change} words={words} marks={marks} />
        </Suspense>
      )}
      {found ? (
        <Outcome
          found={found}
          stale={asked !== value || outcome.isPlaceholderData}
          currency={currency}
          use={(wrong, right) => change(value.replace(new RegExp(`\\b${wrong}\\b`), right))}
        />
      ) : null}
    </div>
  );
}

function Outcome({
  found,
  stale,
  currency,
  use,
}: {
  found: RuleOutcome;
  stale: boolean;
  currency: string | null;
  use: (wrong: string, right: string) => void;
}) {
  const { problem } = found;
  if (problem)
    return (
      <div role="status" className={css.wrong}>
        <Icon name="warning" size={14} /> {sentence(problem.problem)} {sentence(problem.remedy)}
        {problem.name && problem.nearest ? (
          <Button size="compact-xs" variant="default" onClick={() => use(problem.name ?? "", problem.nearest ?? "")}>
            Use {problem.nearest}
          </Button>
        ) : null}
      </div>
    );
  return (
    <div role="status" className={css.outcome} aria-busy={stale}>
      <strong>
        {number(found.matches, 0)} of {number(found.total, 0)}
      </strong>{" "}
      active accounts match by this rule alone
      {found.matches > 0 ? <>, {money(found.mrr, currency)} MRR</> : null}
      {found.unknown > 0 ? <>; {number(found.unknown, 0)} cannot be decided</> : null}.
      {found.matches === 0 && found.total > 0 ? <strong> It matches nobody.</strong> : null}
      {found.sample.length > 0 ? (
        <span className="dim">
          {" "}
          For example{" "}
          {found.sample.slice(0, 4).map((a, i) => (
            <span key={a.account_id}>
              {i ? ", " : ""}
              <Link to="/accounts/$id" params={{ id: a.account_id }}>
                {a.name}
              </Link>
            </span>
          ))}
          .
        </span>
      ) : null}
    </div>
  );
}

function Rows({
  label,
  rule,
  names,
  change,
}: {
  label: string;
  rule: Rule;
  names: RuleName[];
  change: (rule: Rule) => void;
}) {
  const put = (g: number, r: number, row: Row | null) =>
    change({
      groups: rule.groups
        .map((group, at) =>
          at !== g ? group : row ? group.map((x, i) => (i === r ? row : x)) : group.filter((_, i) => i !== r),
        )
        .filter((group) => group.length > 0),
    });
  const fresh: Row = { name: "mrr", op: ">", values: [0] };
  if (rule.groups.length === 0)
    return (
      <div className={css.modes}>
        <span>Everything that no rule before it took.</span>
        <Button size="compact-xs" variant="default" onClick={() => change({ groups: [[fresh]] })}>
          Add a condition
        </Button>
      </div>
    );
  return (
    <div className={css.groups}>
      {rule.groups.map((group, g) => (
        <div key={g} className={css.group} role="group" aria-label={`${label}, alternative ${g + 1}`}>
          {g > 0 ? <div className={css.or}>or</div> : null}
          {group.map((row, r) => (
            <Line key={r} joined={r > 0} row={row} names={names} change={(next) => put(g, r, next)} />
          ))}
          <div className={css.modes}>
            <Button
              size="compact-xs"
              variant="subtle"
              onClick={() => change({ groups: rule.groups.map((x, at) => (at === g ? [...x, fresh] : x)) })}
            >
              and …
            </Button>
            {g === rule.groups.length - 1 ? (
              <Button size="compact-xs" variant="subtle" onClick={() => change({ groups: [...rule.groups, [fresh]] })}>
                or …
              </Button>
            ) : null}
          </div>
        </div>
      ))}
    </div>
  );
}

function Line({
  joined,
  row,
  names,
  change,
}: {
  joined: boolean;
  row: Row;
  names: RuleName[];
  change: (row: Row | null) => void;
}) {
  const known = names.find((n) => n.name === row.name);
  const type = known?.type ?? "number";
  const ops = opsFor(type);
  const options = [...new Set([...names.map((n) => n.name), row.name])];
  const bare = row.op.startsWith("is");
  const many = row.op === "in" || row.op === "not in";
  const text = String(row.values[0] ?? "");
  const value = (typed: string) => change({ ...row, values: [literalOf(typed, type)] });
  return (
    <div className={css.line}>
      <span className="dim small">{joined ? "and" : ""}</span>
      <Select
        aria-label="Name"
        size="xs"
        searchable
        allowDeselect={false}
        data={options.map((name) => ({ value: name, label: name }))}
        value={row.name}
        onChange={(name) => {
          if (!name) return;
          const next = names.find((n) => n.name === name)?.type ?? "number";
          const op = opsFor(next).includes(row.op) ? row.op : (opsFor(next)[0] ?? "=");
          change({
            name,
            op,
            values: op.startsWith("is") ? [] : row.values.length ? row.values : [next === "text" ? "" : 0],
          });
        }}
      />
      <Select
        aria-label={`Comparison of ${row.name}`}
        size="xs"
        allowDeselect={false}
        data={OPS.filter((o) => ops.includes(o.op) || o.op === row.op).map((o) => ({ value: o.op, label: o.label }))}
        value={row.op}
        onChange={(op) => {
          if (!op) return;
          const next = op as Row["op"];
          change({
            ...row,
            op: next,
            values: next.startsWith("is") ? [] : row.values.length ? row.values : [type === "text" ? "" : 0],
          });
        }}
      />
      {bare ? (
        <span />
      ) : many ? (
        <TagsInput
          aria-label={`Values of ${row.name}`}
          size="xs"
          data={known?.values ?? []}
          value={row.values.map(String)}
          onChange={(typed) => change({ ...row, values: typed.map((t) => literalOf(t, type)) })}
        />
      ) : type === "text" ? (
        <Autocomplete
          aria-label={`Value of ${row.name}`}
          size="xs"
          data={known?.values ?? []}
          value={text}
          onChange={value}
        />
      ) : (
        <Amount label={`Value of ${row.name}`} date={type === "date"} settled={text} change={value} />
      )}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label={`Remove the condition on ${row.name}`}
        onClick={() => change(null)}
      >
        <Icon name="close" size={12} />
      </Button>
    </div>
  );
}

/** A number or a day; what is typed stays as typed while it means the same. */
function Amount({
  label,
  date,
  settled,
  change,
}: {
  label: string;
  date: boolean;
  settled: string;
  change: (typed: string) => void;
}) {
  const [typed, setTyped] = useDraft(settled);
  return (
    <TextInput
      aria-label={label}
      size="xs"
      type={date ? "date" : "text"}
      inputMode={date ? undefined : "decimal"}
      value={typed}
      onChange={(e) => {
        setTyped(e.currentTarget.value);
        change(e.currentTarget.value);
      }}
    />
  );
}
