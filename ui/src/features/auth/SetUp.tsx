import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, setCsrf, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { sentence } from "@/shared/format";
import { Problem } from "@/shared/ui/State";
import { AuthPage } from "./AuthPage";
import { SESSION, setupQuery } from "./queries";

/** The first run: creates the first administrator and signs them in. */
export function SetUp() {
  const queries = useQueryClient();
  const codeNeeded = useQuery(setupQuery).data?.code_needed ?? false;
  const [form, setForm] = useState({ name: "", email: "", password: "", code: "" });
  const create = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/v1/setup", {
          body: { ...form, email: form.email.trim(), code: codeNeeded ? form.code.trim() : undefined },
        }),
      ),
    onSuccess: async (session) => {
      // The answer may already be the session; asking for it covers a server that only sets the cookie.
      if (session?.csrf) setCsrf(session.csrf);
      await queries.invalidateQueries({ queryKey: ["setup"] });
      await queries.invalidateQueries({ queryKey: SESSION });
    },
  });
  const set = (key: keyof typeof form) => (e: { currentTarget: { value: string } }) => {
    const { value } = e.currentTarget;
    setForm((f) => ({ ...f, [key]: value }));
  };
  const problem = create.error instanceof ApiProblem ? create.error : null;
  const about = (field: string) => {
    const e = problem?.errors.find((x) => x.field === field);
    return e ? [e.problem, e.remedy].map(sentence).filter(Boolean).join(" ") : undefined;
  };
  const short = form.password.length > 0 && form.password.length < 12;
  return (
    <AuthPage
      title="Set up Tenure"
      sub="This installation is empty. Create its first administrator; this page is shown once."
      submit={() => create.mutate()}
    >
      <TextInput
        label="Your name"
        name="name"
        autoComplete="name"
        required
        value={form.name}
        onChange={set("name")}
        error={about("name")}
      />
      <TextInput
        label="E-mail"
        type="email"
        name="email"
        autoComplete="username"
        required
        value={form.email}
        onChange={set("email")}
        error={about("email")}
      />
      <PasswordInput
        label="Password"
        description="At least 12 characters; a sentence is best."
        name="password"
        autoComplete="new-password"
        required
        minLength={12}
        value={form.password}
        onChange={set("password")}
        error={about("password") ?? (short ? `${12 - form.password.length} more characters` : undefined)}
      />
      {codeNeeded ? (
        <TextInput
          label="Set-up code"
          description="The server wrote it to its log when it started: it shows that this installation is yours."
          name="code"
          autoComplete="one-time-code"
          required
          value={form.code}
          onChange={set("code")}
          error={about("code")}
        />
      ) : null}
      {problem && problem.errors.length === 0 ? <Problem inline error={problem} /> : null}
      <Button type="submit" loading={create.isPending} fullWidth>
        Create the administrator
      </Button>
    </AuthPage>
  );
}
