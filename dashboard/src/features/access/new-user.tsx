"use client";

import { useState, type ReactElement } from "react";

import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { CheckList } from "@/features/access/check-list";
import { USER, useRoles } from "@/features/access/collections";
import { TOUCHED } from "@/features/access/guarded";
import { HandOver } from "@/features/access/hand-over";
import { passwordProblem } from "@/features/access/new-password";
import { PasswordField } from "@/features/access/password-field";
import { isAboutName, kindOf } from "@/features/access/refusals";
import { create } from "@/lib/api/access";
import { useChange } from "@/lib/query/hooks";

interface Wanted {
  readonly username: string;
  readonly password: string;
  readonly roles: readonly string[];
}

/** Makes a person, and shows the first password once more so that it can be handed over. */
export function NewUser({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [handedOver, setHandedOver] = useState<Wanted | null>(null);
  return handedOver === null ? (
    <Form onClose={onClose} onMade={setHandedOver} />
  ) : (
    <HandOver title={`${handedOver.username} can sign in`} password={handedOver.password} onClose={onClose}>
      {`The account is there${handedOver.roles.length === 0 ? ", still without a role" : ""}.`}
    </HandOver>
  );
}

function Form({ onClose, onMade }: { readonly onClose: () => void; readonly onMade: (made: Wanted) => void }): ReactElement {
  const roles = useRoles();
  const [wanted, setWanted] = useState<Wanted>({ username: "", password: "", roles: [] });
  const [tooShort, setTooShort] = useState("");
  const change = useChange((send, made: Wanted) => create(send, USER.path, made, USER.read), TOUCHED);
  const refusal = change.error?.message ?? "";
  const aboutName = isAboutName(change.error);
  const aboutPassword = kindOf(change.error) === "password-refused";
  const submit = (): void => {
    const refused = passwordProblem(wanted.password);
    setTooShort(refused);
    if (refused === "") {
      change.mutate({ ...wanted, username: wanted.username.trim() }, { onSuccess: () => onMade(wanted) });
    }
  };
  return (
    <FormDialog
      title="New user"
      description="They sign in with this name and password, and choose a password of their own at once."
      action="Create user"
      working="Creating …"
      testId="create-user"
      busy={change.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field
        label="User name"
        name="new-username"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={64}
        value={wanted.username}
        error={aboutName ? refusal : ""}
        onChange={(event) => setWanted({ ...wanted, username: event.target.value })}
        data-testid="new-username"
      />
      <PasswordField
        value={wanted.password}
        error={tooShort || (aboutPassword ? refusal : "")}
        onChange={(password) => {
          setWanted({ ...wanted, password });
          setTooShort("");
        }}
      />
      <CheckList
        legend="Roles"
        testId="role"
        empty={roles.phase === "loading" ? "Loading roles …" : roles.trouble || "There is no role."}
        choices={roles.items.map((each) => ({ name: each.name, hint: each.description }))}
        chosen={wanted.roles}
        onChange={(chosen) => setWanted({ ...wanted, roles: chosen })}
      />
      {refusal !== "" && !aboutName && !aboutPassword && <Notice tone="down">{refusal}</Notice>}
    </FormDialog>
  );
}
