"use client";

import type { ReactElement } from "react";

import type { AccessRecord } from "@/lib/api/access";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

/** Where a change was made, in words: `web`, `desktop press-4`. */
export function sourceText(source: string): string {
  return source.replace(":", " ");
}

/** When a record was last changed, by whom and where. */
export function Changed({ record }: { readonly record: AccessRecord }): ReactElement {
  return (
    <div className="text-xs leading-relaxed">
      <div>{formatDateTime(record.updatedAt)}</div>
      <div className="text-faint" data-testid="changed-by">
        {principalText(record.updatedBy)}
        {record.updatedBy !== "system" && ` · ${sourceText(record.source)}`}
      </div>
    </div>
  );
}
