import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";

const LOOKS = {
  plain: { icon: Info, frame: "border-line-strong bg-raised", sign: "text-muted" },
  ok: { icon: CircleCheck, frame: "border-ok/30 bg-ok/10", sign: "text-ok" },
  warn: { icon: TriangleAlert, frame: "border-warn/30 bg-warn/10", sign: "text-warn" },
  down: { icon: CircleAlert, frame: "border-down/30 bg-down/10", sign: "text-down" },
} as const;

interface NoticeProps {
  readonly tone?: keyof typeof LOOKS;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}

/** A sentence that stands where its cause is; errors are read out at once. */
export function Notice({ tone = "plain", action, children }: NoticeProps): ReactElement {
  const { icon: Icon, frame, sign } = LOOKS[tone];
  return (
    <div role={tone === "down" ? "alert" : "status"} data-testid="notice" data-tone={tone} className={classes("flex items-start gap-2.5 rounded-md border px-3 py-2 text-[13px] leading-relaxed", frame)}>
      <Icon aria-hidden className={classes("mt-0.5 size-4 shrink-0", sign)} />
      <div className="min-w-0 flex-1 break-words">{children}</div>
      {action}
    </div>
  );
}
