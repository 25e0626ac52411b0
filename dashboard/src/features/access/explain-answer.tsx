import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";
import { Tag } from "@/components/ui/tag";
import type { Explanation } from "@/lib/api/access";
import { principalText } from "@/lib/values/principal";

/** Allowed with what it rests on, or denied with the reason. */
export function Answer({ found, icon }: { readonly found: Explanation; readonly icon: ReactNode }): ReactElement {
  return (
    <div className="grid gap-4 p-4" data-testid="explanation" data-allowed={found.allowed}>
      <p className="flex items-start gap-3">
        <span className={classes("[&_svg]:size-6", found.allowed ? "text-ok" : "text-down")}>{icon}</span>
        <span className="min-w-0 text-sm leading-6 break-words">
          <strong className={classes("font-semibold", found.allowed ? "text-ok" : "text-down")}>{found.allowed ? "Allowed" : "Denied"}</strong>
          {": "}
          <bdi className="font-medium">{principalText(found.principal)}</bdi> {found.allowed ? "may" : "may not"} {found.action} to{" "}
          <code className="font-mono text-[13px] break-all">{found.topic}</code>.
        </span>
      </p>
      {found.allowed ? <Grounds found={found} /> : <p data-testid="explain-reason" className="text-[13px] text-muted">Why: {found.reason}.</p>}
    </div>
  );
}

function Grounds({ found }: { readonly found: Explanation }): ReactElement {
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2 text-[13px]">
      {found.rule !== null && (
        <>
          <dt className="text-muted">Rule</dt>
          <dd data-testid="explain-rule">
            {found.rule.action} <code className="font-mono break-all">{found.rule.topic}</code>
          </dd>
        </>
      )}
      <dt className="text-muted">Through</dt>
      <dd className="grid gap-1.5">
        {found.grantedBy.length === 0 && "what every one of its kind may do"}
        {found.grantedBy.map((grant) => (
          <span key={`${grant.role}/${grant.permission}`} data-testid="explain-grant" className="flex flex-wrap items-center gap-1.5">
            role <Tag>{grant.role}</Tag> permission <Tag>{grant.permission}</Tag>
          </span>
        ))}
      </dd>
    </dl>
  );
}
