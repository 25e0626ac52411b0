"use client";

import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { useSubmit } from "@/features/auth/submit";
import { useEngine } from "@/lib/engine/hooks";

const SHORTEST = 10;

interface PasswordDialogProps {
  readonly username: string;
  readonly onClose: () => void;
}

/** Changes one's own password; loaded by the account menu when it is first wanted. */
export default function PasswordDialog({ username, onClose }: PasswordDialogProps): ReactElement {
  const { session } = useEngine();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [repeat, setRepeat] = useState("");
  const [done, setDone] = useState(false);
  const refuse = (): string => (next === repeat ? "" : "The two new passwords are not the same.");
  const { busy, trouble, submit } = useSubmit(async () => {
    await session.changePassword(current, next);
    setDone(true);
  }, refuse);
  if (done) {
    return (
      <Dialog open onClose={onClose} title="Password changed">
        <DialogBody>
          <Notice tone="ok">The new password counts from now on, here and on desktops. Everywhere else where {username} was signed in, that session has ended.</Notice>
        </DialogBody>
        <DialogFooter>
          <Button tone="primary" onClick={onClose} data-testid="password-done">
            Done
          </Button>
        </DialogFooter>
      </Dialog>
    );
  }
  return (
    <FormDialog
      title="Change password"
      description="Your sessions in other browsers end; this one goes on."
      action="Change password"
      working="Saving …"
      testId="password-submit"
      busy={busy}
      onSubmit={submit}
      onClose={onClose}
    >
      <input type="hidden" name="username" autoComplete="username" value={username} readOnly />
      <Field label="Present password" type="password" autoComplete="current-password" required value={current} onChange={(event) => setCurrent(event.target.value)} data-testid="current-password" />
      <Field label="New password" hint={`At least ${SHORTEST} characters; a sentence is good.`} type="password" autoComplete="new-password" required minLength={SHORTEST} value={next} onChange={(event) => setNext(event.target.value)} data-testid="new-password" />
      <Field label="New password again" type="password" autoComplete="new-password" required value={repeat} onChange={(event) => setRepeat(event.target.value)} data-testid="new-password-repeat" />
      {trouble !== "" && <Notice tone="down">{trouble}</Notice>}
    </FormDialog>
  );
}
