import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, setCsrf, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import { Problem } from "@/shared/ui/State";
import { AuthPage } from "./AuthPage";
import { SESSION } from "./queries";

/** Takes e-mail and password; the page asked for is shown as soon as they are right. */
export function SignIn() {
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => take(api.POST("/api/v1/session", { body: { email: email.trim(), password } })),
    onSuccess: (session) => {
      setCsrf(session.csrf);
      queries.setQueryData(SESSION, session);
    },
  });
  const wrong = signIn.error instanceof ApiProblem && signIn.error.status === 401;
  return (
    <AuthPage title="Sign in" submit={() => signIn.mutate()}>
      <TextInput
        label="E-mail"
        type="email"
        name="email"
        autoComplete="username"
        required
        value={email}
        onChange={(e) => setEmail(e.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete="current-password"
        required
        value={password}
        error={wrong ? "E-mail or password is not right." : undefined}
        onChange={(e) => setPassword(e.currentTarget.value)}
      />
      {signIn.error && !wrong ? <Problem inline error={signIn.error} /> : null}
      <Button type="submit" loading={signIn.isPending} fullWidth>
        Sign in
      </Button>
    </AuthPage>
  );
}
