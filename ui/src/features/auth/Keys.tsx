import { Button, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Scope } from "@/api/types";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import css from "./auth.module.css";
import { keysQuery } from "./queries";
import { Secret } from "./Secret";

const SCOPES: { value: Scope; label: string }[] = [
  { value: "ingest", label: "Ingest: send events (write key of an SDK)" },
  { value: "read", label: "Read: every figure" },
  { value: "write", label: "Write: read, and change definitions and data" },
];

/** Keys for machines. Each is shown once, when it is made, and can be revoked at any time. */
export function Keys() {
  const queries = useQueryClient();
  const keys = useQuery(keysQuery);
  const revoke = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/keys/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  return (
    <div className={css.stack}>
      <NewKey />
      {revoke.error ? <Problem inline error={revoke.error} /> : null}
      <Loaded of={keys} lines={5}>
        {(data) =>
          data.keys.length === 0 ? (
            <Empty title="There is no key yet" />
          ) : (
            <Panel title="Keys" flush>
              <DataTable
                caption="Keys"
                rows={data.keys}
                rowKey={(k) => k.id}
                cols={[
                  { label: "Name", show: (k) => <strong>{k.name}</strong> },
                  { label: "Scope", show: (k) => k.scope },
                  { label: "Begins with", show: (k) => <code>{k.prefix}…</code> },
                  { label: "Made", show: (k) => <Ago at={k.created_at} /> },
                  { label: "Last used", show: (k) => <Ago at={k.used_at} /> },
                  {
                    label: "State",
                    show: (k) =>
                      k.revoked_at ? (
                        <span className="dim">
                          revoked <Ago at={k.revoked_at} />
                        </span>
                      ) : (
                        <Revoke name={k.name} run={() => revoke.mutate(k.id)} />
                      ),
                  },
                ]}
              />
            </Panel>
          )
        }
      </Loaded>
    </div>
  );
}

/** Asks once more before a key is taken from a machine that may be using it. */
function Revoke({ name, run }: { name: string; run: () => void }) {
  const [sure, setSure] = useState(false);
  if (!sure)
    return (
      <Button
        size="compact-xs"
        variant="subtle"
        color="red"
        onClick={() => setSure(true)}
        aria-label={`Revoke ${name}`}
      >
        Revoke
      </Button>
    );
  return (
    <span className="nowrap">
      <Button size="compact-xs" color="red" onClick={run} aria-label={`Yes, revoke ${name} for ever`}>
        Yes, for ever
      </Button>{" "}
      <Button size="compact-xs" variant="subtle" onClick={() => setSure(false)}>
        Keep
      </Button>
    </span>
  );
}

function NewKey() {
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<Scope>("ingest");
  const make = useMutation({
    mutationFn: () => take(api.POST("/api/v1/keys", { body: { name: name.trim(), scope } })),
    onSuccess: async () => {
      setName("");
      await queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  return (
    <Panel title="Make a key">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          make.mutate();
        }}
      >
        <div className={css.row}>
          <TextInput
            label="Name"
            description="What uses it"
            required
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
            autoComplete="off"
          />
          <Select
            label="Scope"
            description="What it may do"
            allowDeselect={false}
            value={scope}
            data={SCOPES}
            onChange={(v) => setScope(SCOPES.find((s) => s.value === v)?.value ?? "read")}
          />
          <Button type="submit" loading={make.isPending}>
            Make the key
          </Button>
        </div>
      </form>
      {make.error ? <Problem inline error={make.error} /> : null}
      {make.data ? (
        <div role="status" style={{ marginTop: 12 }}>
          <p style={{ margin: "0 0 6px" }}>
            This is the only time that the key “{make.data.key.name}” is shown. Copy it now.
          </p>
          <Secret value={make.data.secret} />
        </div>
      ) : null}
    </Panel>
  );
}
