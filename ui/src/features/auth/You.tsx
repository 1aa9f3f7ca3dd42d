import { Button, PasswordInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, setCsrf, take } from "@/api/client";
import { Ago } from "@/shared/ui/Fresh";
import { DataTable, Panel } from "@/shared/ui/Panel";
import { Loaded, Problem } from "@/shared/ui/State";
import css from "./auth.module.css";
import { Reading } from "./Reading";
import { SESSION } from "./queries";

/** One's own password and the places where one is signed in. */
export function You() {
  return (
    <div className={css.stack}>
      <Reading />
      <Password />
      <Sessions />
    </div>
  );
}

function Password() {
  const queries = useQueryClient();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useMutation({
    mutationFn: () => take(api.PUT("/api/v1/session/password", { body: { current, password } })),
    onSuccess: async (session) => {
      // A new password makes a new session with a new anti-forgery value.
      setCsrf(session.csrf);
      queries.setQueryData(SESSION, session);
      setCurrent("");
      setPassword("");
      await queries.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
  return (
    <Panel title="Your password">
      <form
        onSubmit={(e) => {
          e.preventDefault();
          change.mutate();
        }}
      >
        <div className={css.row}>
          <PasswordInput
            label="Password now"
            required
            value={current}
            onChange={(e) => setCurrent(e.currentTarget.value)}
            autoComplete="current-password"
          />
          <PasswordInput
            label="New password"
            required
            minLength={12}
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
            autoComplete="new-password"
          />
          <Button type="submit" loading={change.isPending}>
            Change
          </Button>
        </div>
      </form>
      <div role="status" style={{ marginTop: 8 }}>
        {change.error ? <Problem inline error={change.error} /> : null}
        {change.isSuccess ? "Changed. All other places are signed out." : null}
      </div>
    </Panel>
  );
}

function Sessions() {
  const queries = useQueryClient();
  const sessions = useQuery({ queryKey: ["sessions"], queryFn: () => take(api.GET("/api/v1/sessions")) });
  const end = useMutation({
    mutationFn: (id: string) => take(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <>
      {end.error ? <Problem inline error={end.error} /> : null}
      <Loaded of={sessions} lines={3}>
        {(data) => (
          <Panel title="Where you are signed in" flush>
            <DataTable
              caption="Sessions"
              rows={data.sessions}
              rowKey={(s) => s.id}
              cols={[
                { label: "Browser", show: (s) => <span>{s.user_agent ?? "unknown"}</span> },
                { label: "Since", show: (s) => <Ago at={s.created_at} /> },
                { label: "Last seen", show: (s) => <Ago at={s.seen_at} /> },
                {
                  label: "End",
                  show: (s) =>
                    s.current ? (
                      <span className="dim">this one</span>
                    ) : (
                      <Button size="compact-xs" variant="subtle" onClick={() => end.mutate(s.id)}>
                        Sign out there
                      </Button>
                    ),
                },
              ]}
            />
          </Panel>
        )}
      </Loaded>
    </>
  );
}
