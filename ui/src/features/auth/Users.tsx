import { Button, PasswordInput, Select, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take } from "@/api/client";
import type { Role, User } from "@/api/types";
import { words } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import css from "./auth.module.css";
import { usersQuery } from "./queries";

const ROLES: { value: Role; label: string }[] = [
  { value: "admin", label: "Admin: everything" },
  { value: "manager", label: "Manager: definitions and imports" },
  { value: "csm", label: "CSM: their accounts" },
  { value: "viewer", label: "Viewer: reads" },
];
const asRole = (v: string | null): Role => ROLES.find((r) => r.value === v)?.value ?? "viewer";

/** Who may sign in, and as what. */
export function Users() {
  const queries = useQueryClient();
  const users = useQuery(usersQuery);
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: string; role?: Role; disabled?: boolean }) => take(api.PATCH("/api/v1/users/{id}", { params: { path: { id } }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["users"] }),
  });
  return (
    <div style={{ display: "grid", gap: 16 }}>
      {change.error ? <Problem inline error={change.error} /> : null}
      <Loaded of={users} lines={6}>
        {(data) => (
          <Panel title="People" flush>
            <DataTable caption="People" rows={data.users} rowKey={(u) => u.id} cols={[
              { label: "Name", show: (u) => <strong>{u.name || u.email}</strong> },
              { label: "E-mail", show: (u) => u.email },
              { label: "Role", show: (u: User) => (
                <Select aria-label={`Role of ${u.email}`} size="xs" w={132} allowDeselect={false} value={u.role} data={ROLES.map((r) => ({ value: r.value, label: words(r.value) }))}
                  onChange={(v) => change.mutate({ id: u.id, role: asRole(v) })} />
              ) },
              { label: "Last seen", show: (u) => <Ago at={u.last_seen_at} /> },
              { label: "Access", show: (u) => (
                <Button size="compact-xs" variant="subtle" onClick={() => change.mutate({ id: u.id, disabled: !u.disabled })}>{u.disabled ? "Let in again" : "Lock out"}</Button>
              ) },
            ]} />
          </Panel>
        )}
      </Loaded>
      <NewUser />
    </div>
  );
}

function NewUser() {
  const queries = useQueryClient();
  const empty = { email: "", name: "", password: "", role: "csm" as Role };
  const [form, setForm] = useState(empty);
  const add = useMutation({
    mutationFn: () => take(api.POST("/api/v1/users", { body: { ...form, email: form.email.trim() } })),
    onSuccess: async () => {
      setForm(empty);
      await queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <Panel title="Add a person">
      <form onSubmit={(e) => { e.preventDefault(); add.mutate(); }}>
        <div className={css.row}>
          <TextInput label="Name" required value={form.name} onChange={(e) => setForm({ ...form, name: e.currentTarget.value })} autoComplete="off" />
          <TextInput label="E-mail" type="email" required value={form.email} onChange={(e) => setForm({ ...form, email: e.currentTarget.value })} autoComplete="off" />
          <PasswordInput label="First password" required minLength={12} value={form.password} onChange={(e) => setForm({ ...form, password: e.currentTarget.value })} autoComplete="new-password" />
          <Select label="Role" allowDeselect={false} value={form.role} data={ROLES} onChange={(v) => setForm({ ...form, role: asRole(v) })} />
          <Button type="submit" loading={add.isPending}>Add</Button>
        </div>
      </form>
      {add.error ? <Problem inline error={add.error} /> : null}
    </Panel>
  );
}
