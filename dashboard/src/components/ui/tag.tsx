import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";

const TONES = {
  plain: "border-line-strong text-muted",
  warn: "border-warn/40 bg-warn/10 text-warn",
  down: "border-down/40 bg-down/10 text-down",
  ok: "border-ok/40 bg-ok/10 text-ok",
} as const;

interface TagProps {
  readonly tone?: keyof typeof TONES;
  readonly title?: string;
  readonly children: ReactNode;
}

export function Tag({ tone = "plain", title, children }: TagProps): ReactElement {
  return (
    <span title={title} className={classes("inline-flex h-[18px] items-center gap-1 rounded border px-1.5 text-[11px] font-medium whitespace-nowrap", TONES[tone])}>
      {children}
    </span>
  );
}
