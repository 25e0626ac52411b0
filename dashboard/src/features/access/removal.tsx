"use client";

import type { ReactElement, ReactNode } from "react";

import { Confirm } from "@/components/ui/confirm";
import { Overtaken } from "@/features/access/conflict";
import { useGuarded, type Kind } from "@/features/access/guarded";
import { remove, type AccessRecord } from "@/lib/api/access";

interface RemovalProps<T> {
  readonly record: T;
  readonly kind: Kind<T>;
  readonly what: string;
  readonly onClose: () => void;
  /** What will happen. */
  readonly children: ReactNode;
}

/** Deletes a role or a permission; what the API refuses is said in its words. */
export function Removal<T extends AccessRecord>({ record, kind, what, onClose, children }: RemovalProps<T>): ReactElement {
  const guarded = useGuarded(record, kind);
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Delete the ${what} ${guarded.seen.name}?`}
      action={`Delete ${what}`}
      busy={guarded.busy}
      trouble={guarded.problem?.message ?? ""}
      onConfirm={() => guarded.run((send, seen) => remove(send, kind.path, seen), onClose)}
    >
      <div className="grid gap-3">
        {guarded.overtaken && <Overtaken by={guarded.newerChange}>Nothing was deleted. Go on only if it is still right.</Overtaken>}
        <p>{children}</p>
      </div>
    </Confirm>
  );
}
