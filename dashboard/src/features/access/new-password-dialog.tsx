"use client";

import { useState, type ReactElement } from "react";

import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { USER } from "@/features/access/collections";
import { Overtaken } from "@/features/access/conflict";
import { useGuarded } from "@/features/access/guarded";
import { HandOver } from "@/features/access/hand-over";
import { passwordProblem } from "@/features/access/new-password";
import { PasswordField } from "@/features/access/password-field";
import { kindOf } from "@/features/access/refusals";
import { change, type User } from "@/lib/api/access";

/** Sets somebody's password; their sessions end, and they choose one of their own at the next sign-in. */
export function NewPassword({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactElement {
  const [password, setPassword] = useState("");
  const [refused, setRefused] = useState("");
  const [handedOver, setHandedOver] = useState("");
  const guarded = useGuarded(user, USER);
  const trouble = guarded.problem?.message ?? "";
  const aboutPassword = kindOf(guarded.problem) === "password-refused";
  const submit = (): void => {
    const problem = passwordProblem(password);
    setRefused(problem);
    if (problem === "") {
      guarded.run((send, seen) => change(send, USER.path, seen, { password }, USER.read), () => setHandedOver(password));
    }
  };
  if (handedOver !== "") {
    return (
      <HandOver title={`${user.name} has a new password`} password={handedOver} onClose={onClose}>
        Their sessions have ended. The old password is good for nothing any more.
      </HandOver>
    );
  }
  return (
    <FormDialog
      title={`New password for ${user.name}`}
      description="All of their sessions end at once, and desktops forget the old password."
      action="Set password"
      working="Setting …"
      testId="set-password"
      busy={guarded.busy}
      onSubmit={submit}
      onClose={onClose}
    >
      {guarded.overtaken && <Overtaken by={guarded.newerChange}>The password was not set. Set it again if it is still right.</Overtaken>}
      <PasswordField
        value={password}
        error={refused || (aboutPassword ? trouble : "")}
        onChange={(next) => {
          setPassword(next);
          setRefused("");
        }}
      />
      {trouble !== "" && !aboutPassword && <Notice tone="down">{trouble}</Notice>}
    </FormDialog>
  );
}
