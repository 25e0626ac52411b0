"use client";

/** Changes of a record that are made only to what the person has seen; who was slower sees the newer state first. */

import { useState } from "react";

import { readOne, type AccessPath, type AccessRecord } from "@/lib/api/access";
import type { Send } from "@/lib/api/http";
import { ApiProblem } from "@/lib/api/problem";
import type { Fields } from "@/lib/api/reading";
import { useChange } from "@/lib/query/hooks";
import { rebase, touched } from "@/features/access/rebase";

/** First parts of the keys of everything that a change of one of these may show in. */
export const TOUCHED: readonly AccessPath[] = ["/users", "/roles", "/permissions"];

export interface Kind<T> {
  readonly path: AccessPath;
  readonly read: (from: Fields) => T;
}

export interface Guarded<T> {
  /** What a change is made to: what the person has seen, after a conflict the newer state. */
  readonly seen: T;
  readonly busy: boolean;
  /** Why the last try was refused; `null` when it was not. */
  readonly problem: Error | null;
  /** Whether somebody else was faster; `seen` is then their state. */
  readonly overtaken: boolean;
  /** Who did, where a field says it: giving and taking roles leaves a person's own fields alone. */
  readonly newerChange: T | null;
  readonly settle: () => void;
  /** Forgets the last refusal: what was refused is not there any more. */
  readonly forgive: () => void;
  /** *done* is not called any more once the window was closed. */
  readonly run: <R>(act: (send: Send, seen: T) => Promise<R>, done: (result: R) => void) => void;
}

/** *onNewer*: told of the state before and the newer one when somebody else was faster. */
export function useGuarded<T extends AccessRecord>(first: T, kind: Kind<T>, onNewer: (before: T, now: T) => void = () => undefined): Guarded<T> {
  const [seen, setSeen] = useState(first);
  const [overtaken, setOvertaken] = useState(false);
  const [newerChange, setNewerChange] = useState<T | null>(null);
  const change = useChange((send, act: (send: Send) => Promise<() => void>) => act(send), TOUCHED);
  const showNewer = (now: T): void => {
    onNewer(seen, now);
    setSeen(now);
    setNewerChange(now.updatedAt > seen.updatedAt ? now : null);
    setOvertaken(true);
  };
  return {
    seen,
    busy: change.isPending,
    problem: change.error,
    overtaken,
    newerChange,
    settle: () => setOvertaken(false),
    forgive: () => {
      // A reset also forgets what is on its way, and then its outcome would never be told.
      if (change.isError) {
        change.reset();
      }
    },
    run: (act, done) => {
      setOvertaken(false);
      const attempt = async (send: Send): Promise<() => void> => {
        try {
          const result = await act(send, seen);
          return () => done(result);
        } catch (error) {
          if (error instanceof ApiProblem && error.status === 412) {
            const now = await readOne(send, kind.path, seen.id, kind.read);
            return () => showNewer(now);
          }
          throw error;
        }
      };
      // What follows is called only while this window is open: a late answer must not touch another one.
      change.mutate(attempt, { onSuccess: (follow) => follow() });
    },
  };
}

export interface Edit<T, D> extends Guarded<T> {
  readonly draft: D;
  /** The draft as `seen` has it. */
  readonly now: D;
  readonly set: (part: Partial<D>) => void;
  /** What the person has changed and not saved. */
  readonly touched: readonly (keyof D)[];
  /** Gives the person's own edits up. */
  readonly takeNow: () => void;
}

/** A form of a record: its draft survives a conflict. *draftOf*: the fields of the form. */
export function useEdit<T extends AccessRecord, D extends object>(first: T, kind: Kind<T>, draftOf: (record: T) => D): Edit<T, D> {
  const [draft, setDraft] = useState(() => draftOf(first));
  const guarded = useGuarded(first, kind, (before, newer) => setDraft((mine) => rebase(mine, draftOf(before), draftOf(newer))));
  const now = draftOf(guarded.seen);
  return {
    ...guarded,
    draft,
    now,
    set: (part) => setDraft((mine) => ({ ...mine, ...part })),
    touched: touched(draft, now),
    takeNow: () => {
      setDraft(now);
      guarded.settle();
    },
  };
}

/** What the button of an edit's window says and when it can be pressed, as `FormDialog` takes it. */
export function saving<T, D>({ busy, overtaken, touched: fields }: Edit<T, D>): { readonly action: string; readonly working: string; readonly busy: boolean; readonly ready: boolean } {
  const ready = fields.length > 0;
  return { action: overtaken && ready ? "Save my edits over it" : "Save", working: "Saving …", busy, ready };
}
