"use client";

import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { AuthFrame, Note } from "@/features/auth/auth-frame";
import { useSubmit } from "@/features/auth/submit";
import { useEngine } from "@/lib/engine/hooks";

/** *notice*: why the last session ended, when it did so by itself. */
export function SignInForm({ notice }: { readonly notice: string }): ReactElement {
  const { session } = useEngine();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { busy, trouble, submit } = useSubmit(() => session.signIn(username.trim(), password));
  return (
    <AuthFrame title="Sign in" lead="Live telemetry, straight from the broker.">
      {trouble !== "" ? <Note tone="error">{trouble}</Note> : notice !== "" && <Note tone="info">{notice}</Note>}
      <form onSubmit={submit} className="grid gap-4">
        <Field
          label="User name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          value={username}
          onChange={(event) => setUsername(event.target.value)}
          data-testid="login-username"
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          data-testid="login-password"
        />
        <Button type="submit" tone="primary" size="large" disabled={busy} className="mt-1 w-full" data-testid="login-submit">
          {busy ? "Signing in…" : "Sign in"}
        </Button>
      </form>
    </AuthFrame>
  );
}
