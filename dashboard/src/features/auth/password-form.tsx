"use client";

import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { AuthFrame, Note } from "@/features/auth/auth-frame";
import { useSubmit } from "@/features/auth/submit";
import { useEngine } from "@/lib/engine/hooks";

/** The first sign-in asks for a password of one's own before anything else. */
export function PasswordForm({ username }: { readonly username: string }): ReactElement {
  const { session } = useEngine();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [repeat, setRepeat] = useState("");
  const refuse = (): string => (next === repeat ? "" : "The two new passwords are not the same.");
  const { busy, trouble, submit } = useSubmit(() => session.changePassword(current, next), refuse);
  return (
    <AuthFrame title="Choose your password" lead={`This is the first sign-in as ${username}. Choose a password that only you know.`}>
      {trouble !== "" && <Note tone="error">{trouble}</Note>}
      <form onSubmit={submit} className="grid gap-4">
        <input type="hidden" name="username" autoComplete="username" value={username} readOnly />
        {session.asksForCurrent && (
          <Field label="Present password" type="password" autoComplete="current-password" required value={current} onChange={(event) => setCurrent(event.target.value)} data-testid="current-password" />
        )}
        <Field label="New password" hint="At least 10 characters; a sentence is good." type="password" autoComplete="new-password" required minLength={10} value={next} onChange={(event) => setNext(event.target.value)} data-testid="new-password" />
        <Field label="New password again" type="password" autoComplete="new-password" required value={repeat} onChange={(event) => setRepeat(event.target.value)} data-testid="new-password-repeat" />
        <div className="mt-1 flex gap-2">
          <Button type="submit" tone="primary" size="large" disabled={busy} className="flex-1" data-testid="password-submit">
            {busy ? "Saving…" : "Save and go on"}
          </Button>
          <Button size="large" tone="quiet" onClick={() => session.signOut()}>
            Sign out
          </Button>
        </div>
      </form>
    </AuthFrame>
  );
}
