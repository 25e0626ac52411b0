"use client";

import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { sourceText } from "@/features/access/changed";
import type { Edit } from "@/features/access/guarded";
import type { AccessRecord } from "@/lib/api/access";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

interface ConflictProps<T, D> {
  readonly edit: Edit<T, D>;
  readonly words: Readonly<Record<keyof D, string>>;
  /** A field's value in words. */
  readonly show: (draft: D, field: keyof D) => string;
}

/** Says that somebody else was faster, with both states of what the person edits; their edits stay in the form. */
export function Conflict<T extends AccessRecord, D extends object>({ edit, words, show }: ConflictProps<T, D>): ReactElement | null {
  if (!edit.overtaken) {
    return null;
  }
  return (
    <div data-testid="conflict">
      <Notice tone="warn">
        <p>
          <strong className="font-semibold">Somebody else changed this meanwhile</strong>
          {byWhom(edit.newerChange)}
          {edit.touched.length === 0 ? " The form shows the new state." : " Your edits are kept; saving now writes them over the new state."}
        </p>
        {edit.touched.length > 0 && (
          <>
            <table className="mt-2 w-full text-left text-xs">
              <thead className="text-muted">
                <tr>
                  <th className="w-1/5 py-1 pr-3 font-medium" scope="col">Field</th>
                  <th className="w-2/5 py-1 pr-3 font-medium" scope="col">As it is now</th>
                  <th className="w-2/5 py-1 font-medium" scope="col">Your edit</th>
                </tr>
              </thead>
              <tbody>
                {edit.touched.map((field) => (
                  <tr key={String(field)} className="border-t align-top">
                    <th scope="row" className="py-1 pr-3 font-medium">{words[field]}</th>
                    <td className="py-1 pr-3 break-words" data-testid="conflict-theirs">{show(edit.now, field)}</td>
                    <td className="py-1 break-words" data-testid="conflict-mine">{show(edit.draft, field)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <div className="mt-2">
              <Button size="small" onClick={edit.takeNow} data-testid="take-newer">
                Give up my edits
              </Button>
            </div>
          </>
        )}
      </Notice>
    </div>
  );
}

function byWhom(record: AccessRecord | null): string {
  return record === null ? "." : ` (${principalText(record.updatedBy)}, ${formatDateTime(record.updatedAt)}, ${sourceText(record.source)}).`;
}

/** The same for an act without a form: what it is about has changed, so the person looks again first. */
export function Overtaken({ by, children }: { readonly by: AccessRecord | null; readonly children: string }): ReactElement {
  return (
    <div data-testid="conflict">
      <Notice tone="warn">
        <strong className="font-semibold">Somebody else changed this meanwhile</strong>
        {byWhom(by)} {children}
      </Notice>
    </div>
  );
}
