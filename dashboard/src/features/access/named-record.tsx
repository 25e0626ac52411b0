"use client";

/** The windows of what has a name, a description and something that it holds: roles and permissions. */

import { Trash2 } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { Conflict } from "@/features/access/conflict";
import { saving, TOUCHED, useEdit, type Kind } from "@/features/access/guarded";
import { isAboutName } from "@/features/access/refusals";
import { change, create, type AccessRecord } from "@/lib/api/access";
import { useChange } from "@/lib/query/hooks";

export interface Named {
  readonly name: string;
  readonly description: string;
}

export interface HeldProps<D> {
  readonly draft: D;
  readonly set: (part: Partial<D>) => void;
  /** Why the last try was refused; `null` when it was not, or something was changed since. */
  readonly problem: Error | null;
}

/** What the windows of one kind of record say and edit. */
export interface Subject<T extends AccessRecord, D extends Named> {
  readonly kind: Kind<T>;
  /** In titles, on buttons and in test ids. */
  readonly what: "role" | "permission";
  readonly aboutNew: string;
  readonly aboutChange: string;
  readonly empty: D;
  readonly draftOf: (record: T) => D;
  /** What its fields are called. */
  readonly words: Readonly<Record<keyof D, string>>;
  /** A field's value in words. */
  readonly show: (draft: D, field: keyof D) => string;
  /** The inputs of what it holds. */
  readonly Held: (props: HeldProps<D>) => ReactElement;
  /** Whether a refusal is about what it holds and stands there. */
  readonly isAboutHeld: (problem: Error) => boolean;
}

interface NewRecordProps<T extends AccessRecord, D extends Named> {
  readonly of: Subject<T, D>;
  readonly onClose: () => void;
}

export function NewRecord<T extends AccessRecord, D extends Named>({ of, onClose }: NewRecordProps<T, D>): ReactElement {
  const [draft, setDraft] = useState(of.empty);
  const making = useChange((send, made: D) => create(send, of.kind.path, made, of.kind.read), TOUCHED);
  const set = (part: Partial<D>): void => {
    setDraft({ ...draft, ...part });
    if (making.isError) {
      making.reset();
    }
  };
  return (
    <FormDialog
      wide
      title={`New ${of.what}`}
      description={of.aboutNew}
      action={`Create ${of.what}`}
      working="Creating …"
      testId={`create-${of.what}`}
      busy={making.isPending}
      onSubmit={() => making.mutate(draft, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Fields {...{ of, draft, set }} problem={making.error} />
    </FormDialog>
  );
}

interface EditRecordProps<T extends AccessRecord, D extends Named> extends NewRecordProps<T, D> {
  readonly record: T;
  readonly onDelete: (record: T) => void;
}

export function EditRecord<T extends AccessRecord, D extends Named>({ of, record, onClose, onDelete }: EditRecordProps<T, D>): ReactElement {
  const edit = useEdit<T, D>(record, of.kind, of.draftOf);
  const save = (): void => {
    const body = Object.fromEntries(edit.touched.map((field) => [field, edit.draft[field]]));
    edit.run((send, seen) => change(send, of.kind.path, seen, body, of.kind.read), onClose);
  };
  const set = (part: Partial<D>): void => {
    edit.set(part);
    edit.forgive();
  };
  return (
    <FormDialog
      wide
      title={edit.seen.name}
      description={of.aboutChange}
      {...saving(edit)}
      testId={`save-${of.what}`}
      onSubmit={save}
      onClose={onClose}
      aside={
        <Button tone="danger" className="mr-auto" disabled={edit.busy} onClick={() => onDelete(edit.seen)} data-testid={`delete-${of.what}`}>
          <Trash2 aria-hidden />
          Delete
        </Button>
      }
    >
      <Conflict edit={edit} words={of.words} show={of.show} />
      <Fields {...{ of, set }} draft={edit.draft} problem={edit.problem} />
    </FormDialog>
  );
}

interface FieldsProps<T extends AccessRecord, D extends Named> extends HeldProps<D> {
  readonly of: Subject<T, D>;
}

function Fields<T extends AccessRecord, D extends Named>({ of, draft, set, problem }: FieldsProps<T, D>): ReactElement {
  const { what, Held } = of;
  const refusal = problem?.message ?? "";
  const aboutName = isAboutName(problem);
  const setNamed = (part: Partial<Named>): void => set(part as Partial<D>);
  return (
    <>
      <Field label="Name" autoComplete="off" spellCheck={false} required maxLength={64} value={draft.name} error={aboutName ? refusal : ""} onChange={(event) => setNamed({ name: event.target.value })} data-testid={`${what}-name`} />
      <Field label="Description" autoComplete="off" maxLength={1_000} value={draft.description} onChange={(event) => setNamed({ description: event.target.value })} data-testid={`${what}-description`} />
      <Held {...{ draft, set, problem }} />
      {problem !== null && !aboutName && !of.isAboutHeld(problem) && <Notice tone="down">{refusal}</Notice>}
    </>
  );
}
