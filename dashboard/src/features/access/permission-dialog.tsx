"use client";

import { Trash2 } from "lucide-react";
import { useState, type ReactElement, type SubmitEvent } from "react";

import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { PERMISSION } from "@/features/access/collections";
import { Conflict } from "@/features/access/conflict";
import { TOUCHED, useEdit } from "@/features/access/guarded";
import { kindOf, refusedRule } from "@/features/access/refusals";
import { RuleEditor } from "@/features/access/rule-editor";
import { change, create, type Permission, type TopicRule } from "@/lib/api/access";
import { useChange } from "@/lib/query/hooks";

interface Draft {
  readonly name: string;
  readonly description: string;
  readonly rules: readonly TopicRule[];
}

const WORDS = { name: "Name", description: "Description", rules: "Topic rules" } as const;
const EMPTY: Draft = { name: "", description: "", rules: [{ action: "subscribe", topic: "" }] };

function draftOf({ name, description, rules }: Permission): Draft {
  return { name, description, rules };
}

function show(draft: Draft, field: keyof Draft): string {
  const value = field === "rules" ? draft.rules.map((each) => `${each.action} ${each.topic}`).join(", ") : draft[field];
  return value === "" ? "none" : value;
}

export function NewPermission({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [draft, setDraft] = useState(EMPTY);
  const making = useChange((send, made: Draft) => create(send, PERMISSION.path, made, PERMISSION.read), TOUCHED);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    making.mutate(draft, { onSuccess: onClose });
  };
  return (
    <Dialog open wide onClose={onClose} title="New permission" description="Rules about topics are data: a new permission opens new topics, without any code.">
      <form onSubmit={submit}>
        <DialogBody>
          <Fields
            draft={draft}
            problem={making.error}
            set={(part) => {
              setDraft({ ...draft, ...part });
              making.reset();
            }}
          />
        </DialogBody>
        <DialogFooter>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={making.isPending} data-testid="create-permission">
            {making.isPending ? "Creating …" : "Create permission"}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}

interface PermissionDialogProps {
  readonly permission: Permission;
  readonly onClose: () => void;
  readonly onDelete: (permission: Permission) => void;
}

/** A permission's name, description and topic rules to edit. */
export function PermissionDialog({ permission, onClose, onDelete }: PermissionDialogProps): ReactElement {
  const edit = useEdit<Permission, Draft>(permission, PERMISSION, draftOf);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const body = Object.fromEntries(edit.touched.map((field) => [field, edit.draft[field]]));
    edit.run((send, seen) => change(send, PERMISSION.path, seen, body, PERMISSION.read), onClose);
  };
  return (
    <Dialog open wide onClose={onClose} title={edit.seen.name} description="A change holds for everybody whose roles give this permission, at once.">
      <form onSubmit={save}>
        <DialogBody>
          <Conflict edit={edit} words={WORDS} show={show} />
          <Fields
            draft={edit.draft}
            problem={edit.problem}
            set={(part) => {
              edit.set(part);
              edit.forgive();
            }}
          />
        </DialogBody>
        <DialogFooter>
          <Button tone="danger" className="mr-auto" onClick={() => onDelete(edit.seen)} data-testid="delete-permission">
            <Trash2 aria-hidden />
            Delete
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" disabled={edit.busy || edit.touched.length === 0} data-testid="save-permission">
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
  const aboutName = kindOf(problem) === "name-taken";
  const rule = refusedRule(problem);
  const refused = rule === null || problem === null ? null : { rule, why: problem.message };
  return (
    <>
      <Field label="Name" autoComplete="off" spellCheck={false} required maxLength={64} value={draft.name} error={aboutName ? (problem?.message ?? "") : ""} onChange={(event) => set({ name: event.target.value })} data-testid="permission-name" />
      <Field label="Description" autoComplete="off" maxLength={1_000} value={draft.description} onChange={(event) => set({ description: event.target.value })} data-testid="permission-description" />
      <RuleEditor rules={draft.rules} refused={refused} onChange={(rules) => set({ rules })} />
      {problem !== null && !aboutName && refused === null && <Notice tone="down">{problem.message}</Notice>}
    </>
  );
}
