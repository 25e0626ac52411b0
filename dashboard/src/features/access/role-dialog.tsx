"use client";

import { Trash2 } from "lucide-react";
import { useState, type ReactElement, type SubmitEvent } from "react";

import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { CheckList } from "@/features/access/check-list";
import { ROLE, usePermissions } from "@/features/access/collections";
import { Conflict } from "@/features/access/conflict";
import { TOUCHED, useEdit } from "@/features/access/guarded";
import { kindOf } from "@/features/access/refusals";
import { change, create, type Role } from "@/lib/api/access";
import { useChange } from "@/lib/query/hooks";

interface Draft {
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly string[];
}

const WORDS = { name: "Name", description: "Description", permissions: "Permissions" } as const;
const EMPTY: Draft = { name: "", description: "", permissions: [] };

function draftOf({ name, description, permissions }: Role): Draft {
  return { name, description, permissions };
}

function show(draft: Draft, field: keyof Draft): string {
  const value = field === "permissions" ? draft.permissions.join(", ") : draft[field];
  return value === "" ? "none" : value;
}

export function NewRole({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [draft, setDraft] = useState(EMPTY);
  const making = useChange((send, made: Draft) => create(send, ROLE.path, made, ROLE.read), TOUCHED);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    making.mutate(draft, { onSuccess: onClose });
  };
  return (
    <Dialog open wide onClose={onClose} title="New role" description="A named set of permissions. Nobody can give what they do not hold themselves.">
      <form onSubmit={submit}>
        <DialogBody>
          <Fields draft={draft} set={(part) => setDraft({ ...draft, ...part })} problem={making.error} />
        </DialogBody>
        <DialogFooter>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={making.isPending} data-testid="create-role">
            {making.isPending ? "Creating …" : "Create role"}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}

interface RoleDialogProps {
  readonly role: Role;
  readonly onClose: () => void;
  readonly onDelete: (role: Role) => void;
}

/** A role's name, description and permissions to edit. */
export function RoleDialog({ role, onClose, onDelete }: RoleDialogProps): ReactElement {
  const edit = useEdit<Role, Draft>(role, ROLE, draftOf);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const body = Object.fromEntries(edit.touched.map((field) => [field, edit.draft[field]]));
    edit.run((send, seen) => change(send, ROLE.path, seen, body, ROLE.read), onClose);
  };
  return (
    <Dialog open wide onClose={onClose} title={edit.seen.name} description="What is taken away here is gone for everybody who has the role, at once.">
      <form onSubmit={save}>
        <DialogBody>
          <Conflict edit={edit} words={WORDS} show={show} />
          <Fields draft={edit.draft} set={edit.set} problem={edit.problem} />
        </DialogBody>
        <DialogFooter>
          <Button tone="danger" className="mr-auto" onClick={() => onDelete(edit.seen)} data-testid="delete-role">
            <Trash2 aria-hidden />
            Delete
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={edit.busy || edit.touched.length === 0} data-testid="save-role">
            {edit.busy ? "Saving …" : edit.overtaken && edit.touched.length > 0 ? "Save my edits over it" : "Save"}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}

interface FieldsProps {
  readonly draft: Draft;
  readonly set: (part: Partial<Draft>) => void;
  readonly problem: Error | null;
}

function Fields({ draft, set, problem }: FieldsProps): ReactElement {
  const permissions = usePermissions();
  const aboutName = kindOf(problem) === "name-taken";
  const choices = permissions.items.map((each) => ({ name: each.name, hint: each.description }));
  return (
    <>
      <Field label="Name" autoComplete="off" spellCheck={false} required maxLength={64} value={draft.name} error={aboutName ? (problem?.message ?? "") : ""} onChange={(event) => set({ name: event.target.value })} data-testid="role-name" />
      <Field label="Description" autoComplete="off" maxLength={1_000} value={draft.description} onChange={(event) => set({ description: event.target.value })} data-testid="role-description" />
      <CheckList
        legend="Permissions"
        testId="permission"
        empty={permissions.phase === "loading" ? "Loading permissions …" : permissions.trouble || "There is no permission."}
        choices={choices}
        chosen={draft.permissions}
        onChange={(chosen) => set({ permissions: chosen })}
      />
      {problem !== null && !aboutName && <Notice tone="down">{problem.message}</Notice>}
    </>
  );
}
