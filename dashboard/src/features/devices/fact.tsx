import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";

/** Facts side by side, as many as fit. */
export function Facts({ children, label }: { readonly children: ReactNode; readonly label?: string }): ReactElement {
  return (
    <dl aria-label={label} className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,118px),1fr))] gap-x-4 gap-y-3 p-4">
      {children}
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  /** What it means, shown when the pointer rests on it. */
  readonly title?: string;
  readonly tone?: "plain" | "ok" | "warn" | "down";
  readonly testId?: string;
  readonly children: ReactNode;
}

const TONES = { plain: "", ok: "text-ok", warn: "text-warn", down: "text-down" } as const;

export function Fact({ name, title, tone = "plain", testId, children }: FactProps): ReactElement {
  return (
    <div className="min-w-0" title={title}>
      <dt className="text-xs text-muted">{name}</dt>
      <dd data-testid={testId} className={classes("num mt-0.5 text-[13px] font-medium break-words", TONES[tone])}>
        {children}
      </dd>
    </div>
  );
}
