import type { ReactElement } from "react";

import { Tag } from "@/components/ui/tag";
import type { HeldPermission } from "@/features/access/rights";

/** What somebody holds, and through which role. */
export function PermissionList({ held }: { readonly held: readonly HeldPermission[] }): ReactElement {
  if (held.length === 0) {
    return <p className="text-[13px] text-muted">Nothing: without a role one can sign in and see no data.</p>;
  }
  return (
    <ul className="divide-y rounded-md border" data-testid="effective-permissions">
      {held.map((each) => (
        <li key={each.name} data-testid="effective-permission" data-key={each.name} className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-3 py-1.5 text-[13px]">
          <span className="font-medium break-all">{each.name}</span>
          <span className="min-w-0 flex-1 text-xs text-faint">{each.description}</span>
          <span className="flex flex-wrap gap-1">
            <span className="sr-only">from</span>
            {each.from.map((role) => (
              <Tag key={role}>{role}</Tag>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}
