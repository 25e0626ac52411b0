"use client";

import { KeyRound, SearchCheck, Trash2, UserX } from "lucide-react";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { Tag } from "@/components/ui/tag";
import { sourceText } from "@/features/access/changed";
import { CheckList, inOrder } from "@/features/access/check-list";
import { USER, usePermissions, useRoles } from "@/features/access/collections";
import { Conflict } from "@/features/access/conflict";
import { saving, useEdit, type Edit } from "@/features/access/guarded";
import { PermissionList } from "@/features/access/permission-list";
import { isAboutName } from "@/features/access/refusals";
import { heldPermissions } from "@/features/access/rights";
import { useAllowed } from "@/features/shell/allowed";
import { change, type User } from "@/lib/api/access";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

interface Draft {
  readonly username: string;
  readonly roles: readonly string[];
}

const WORDS = { username: "User name", roles: "Roles" } as const;

export type UserAct = "password" | "deactivate" | "delete" | "explain";

interface UserDialogProps {
  readonly user: User;
  readonly onClose: () => void;
  /** Something else that is done with this person, in a window of its own. */
  readonly onAct: (act: UserAct, user: User) => void;
}

function draftOf(user: User): Draft {
  return { username: user.name, roles: inOrder(user.roles) };
}

function show(draft: Draft, field: keyof Draft): string {
  return field === "username" ? draft.username : draft.roles.join(", ") || "none";
}

/** A person: name and roles to edit, what they may do through which role, and the acts that end something. */
export function UserDialog({ user, onClose, onAct }: UserDialogProps): ReactElement {
  const edit = useEdit<User, Draft>(user, USER, draftOf);
  const save = (): void => {
    const body = Object.fromEntries(edit.touched.map((field) => [field, edit.draft[field]]));
    edit.run((send, seen) => change(send, USER.path, seen, body, USER.read), onClose);
  };
  return (
    <FormDialog wide title={edit.seen.name} description={<Described user={edit.seen} />} {...saving(edit)} testId="save-user" onSubmit={save} onClose={onClose}>
      <Conflict edit={edit} words={WORDS} show={show} />
      <Fields edit={edit} />
      <Held roles={edit.draft.roles} />
      <Acts user={edit.seen} onAct={onAct} />
      {edit.problem !== null && !isAboutName(edit.problem) && <Notice tone="down">{edit.problem.message}</Notice>}
    </FormDialog>
  );
}

function Described({ user }: { readonly user: User }): ReactElement {
  return (
    <span className="flex flex-wrap items-center gap-2">
      <Tag tone={user.isActive ? "ok" : "down"}>{user.isActive ? "active" : "inactive"}</Tag>
      <span>
        Changed {formatDateTime(user.updatedAt)} by {principalText(user.updatedBy)}, {sourceText(user.source)}
      </span>
    </span>
  );
}

function Fields({ edit }: { readonly edit: Edit<User, Draft> }): ReactElement {
  const roles = useRoles();
  return (
    <>
      <Field
        label="User name"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        maxLength={64}
        value={edit.draft.username}
        error={isAboutName(edit.problem) ? (edit.problem?.message ?? "") : ""}
        hint="Another name ends live connections; passwords stay as they are."
        onChange={(event) => edit.set({ username: event.target.value })}
        data-testid="edit-username"
      />
      <CheckList
        legend="Roles"
        testId="role"
        empty={roles.phase === "loading" ? "Loading roles …" : roles.trouble || "There is no role."}
        choices={roles.items.map((each) => ({ name: each.name, hint: each.description }))}
        chosen={edit.draft.roles}
        onChange={(chosen) => edit.set({ roles: chosen })}
      />
    </>
  );
}

function Held({ roles: chosen }: { readonly roles: readonly string[] }): ReactElement {
  const roles = useRoles();
  const permissions = usePermissions();
  return (
    <section className="grid gap-1.5" aria-label="What these roles allow">
      <h3 className="text-[13px] font-medium text-muted">What these roles allow</h3>
      {roles.phase === "ready" && <PermissionList held={heldPermissions(chosen, roles.items, permissions.items)} />}
    </section>
  );
}

function Acts({ user, onAct }: { readonly user: User; readonly onAct: UserDialogProps["onAct"] }): ReactElement {
  const explains = useAllowed("MANAGE_ROLES");
  return (
    <div className="flex flex-wrap gap-2 border-t pt-4">
      {explains && (
        <Button onClick={() => onAct("explain", user)} data-testid="explain-user">
          <SearchCheck aria-hidden />
          What may {user.name} do?
        </Button>
      )}
      <Button onClick={() => onAct("password", user)} data-testid="new-password">
        <KeyRound aria-hidden />
        New password
      </Button>
      {user.isActive && (
        <Button tone="danger" onClick={() => onAct("deactivate", user)} data-testid="deactivate-user">
          <UserX aria-hidden />
          Deactivate
        </Button>
      )}
      <Button tone="danger" onClick={() => onAct("delete", user)} data-testid="delete-user">
        <Trash2 aria-hidden />
        Delete
      </Button>
    </div>
  );
}
