import { Button, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Role, User } from "@/api/types";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import css from "./auth.module.css";
import { sessionQuery, usersQuery } from "./queries";
import { Secret } from "./Secret";

const ROLES: { value: Role; label: string; may: string }[] = [
  { value: "admin", label: "Admin", may: "everything" },
  { value: "manager", label: "Manager", may: "definitions and imports" },
  { value: "csm", label: "CSM", may: "works with accounts" },
  { value: "viewer", label: "Viewer", may: "reads" },
];
const asRole = (v: string | null): Role => ROLES.find((r) => r.value === v)?.value ?? "viewer";

/** Who may sign in, and as what. */
export function Users() {
  const queries = useQueryClient();
  const users = useQuery(usersQuery);
  const me = useQuery(sessionQuery).data?.user.id;
  const changed = () => queries.invalidateQueries({ queryKey: ["users"] });
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: string; role?: Role; disabled?: boolean }) =>
      take(api.PATCH("/api/v1/users/{id}", { params: { path: { id } }, body })),
    onSuccess: changed,
  });
  const reset = useMutation({
    mutationFn: (id: string) => take(api.POST("/api/v1/users/{id}/password", { params: { path: { id } }, body: {} })),
    onSuccess: changed,
  });
  return (
    <div className={css.stack}>
      <NewUser />
      {change.error ? <Problem inline error={change.error} /> : null}
      {reset.error ? <Problem inline error={reset.error} /> : null}
      {reset.data?.password ? <FirstPassword email={reset.data.user.email} password={reset.data.password} /> : null}
      <Loaded of={users} lines={6}>
        {(data) => (
          <Panel title="People" flush>
            <DataTable
              caption="People"
              rows={data.users}
              rowKey={(u) => u.id}
              cols={[
                { label: "Name", show: (u) => <strong>{u.name || u.email}</strong> },
                { label: "E-mail", show: (u) => u.email },
                {
                  label: "Role",
                  show: (u: User) => (
                    <Select
                      aria-label={`Role of ${u.email}`}
                      size="xs"
                      w={132}
                      allowDeselect={false}
                      value={u.role}
                      data={ROLES}
                      onChange={(v) => change.mutate({ id: u.id, role: asRole(v) })}
                    />
                  ),
                },
                { label: "Last seen", show: (u) => <Ago at={u.seen_at} /> },
                {
                  label: "Password",
                  show: (u) => (
                    <Button
                      size="compact-xs"
                      variant="subtle"
                      onClick={() => reset.mutate(u.id)}
                      aria-label={`New password for ${u.email}`}
                    >
                      New password
                    </Button>
                  ),
                },
                {
                  label: "Access",
                  show: (u) =>
                    u.id === me ? (
                      <span className="dim">you</span>
                    ) : (
                      <Button
                        size="compact-xs"
                        variant="subtle"
                        aria-label={`${u.disabled_at ? "Let in again" : "Lock out"} ${u.email}`}
                        onClick={() => change.mutate({ id: u.id, disabled: !u.disabled_at })}
                      >
                        {u.disabled_at ? "Let in again" : "Lock out"}
                      </Button>
                    ),
                },
              ]}
            />
          </Panel>
        )}
      </Loaded>
    </div>
  );
}

function FirstPassword({ email, password }: { email: string; password: string }) {
  return (
    <div role="status">
      <p style={{ margin: "0 0 6px" }}>
        The password of {email}, shown this once. Pass it on; it can be changed after signing in.
      </p>
      <Secret value={password} />
    </div>
  );
}

function NewUser() {
  const queries = useQueryClient();
  const empty = { email: "", name: "", role: "csm" as Role };
  const [form, setForm] = useState(empty);
  const add = useMutation({
    mutationFn: () => take(api.POST("/api/v1/users", { body: { ...form, email: form.email.trim() } })),
    onSuccess: async () => {
      setForm(empty);
      await queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <Panel title="Add a person" aside={<span className="dim">A first password is made and shown once.</span>}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          add.mutate();
        }}
      >
        <div className={css.row}>
          <TextInput
            label="Name"
            required
            value={form.name}
            onChange={(e) => setForm({ ...form, name: e.currentTarget.value })}
            autoComplete="off"
          />
          <TextInput
            label="E-mail"
            type="email"
            required
            value={form.email}
            onChange={(e) => setForm({ ...form, email: e.currentTarget.value })}
            autoComplete="off"
          />
          <Select
            label="Role"
            allowDeselect={false}
            value={form.role}
            data={ROLES.map((r) => ({ value: r.value, label: `${r.label}: ${r.may}` }))}
            onChange={(v) => setForm({ ...form, role: asRole(v) })}
          />
          <Button type="submit" loading={add.isPending}>
            Add
          </Button>
        </div>
      </form>
      {add.error ? (
        <div style={{ marginTop: 12 }}>
          <Problem inline error={add.error} />
        </div>
      ) : null}
      {add.data?.password ? (
        <div style={{ marginTop: 12 }}>
          <FirstPassword email={add.data.user.email} password={add.data.password} />
        </div>
      ) : null}
    </Panel>
  );
}
