import { CircleAlert, Info } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";
import { Mark } from "@/features/shell/brand";

/** The card in the middle of the screen on which people sign in or choose a password. */
export function AuthFrame({ title, lead, children }: { readonly title: string; readonly lead: string; readonly children: ReactNode }): ReactElement {
  return (
    <main className="grid min-h-dvh place-items-center bg-[radial-gradient(60rem_30rem_at_50%_-10%,var(--accent-soft),transparent)] p-4">
      <div className="w-full max-w-[380px]">
        <div className="mb-6 flex items-center justify-center gap-2.5 text-lg font-semibold tracking-tight">
          <Mark className="size-8" />
          PrecisionPulse
        </div>
        <div className="rounded-xl border bg-surface p-6 shadow-float sm:p-7">
          <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
          <p className="mt-1 mb-5 text-[13px] leading-relaxed text-muted">{lead}</p>
          {children}
        </div>
      </div>
    </main>
  );
}

interface NoteProps {
  readonly tone: "error" | "info";
  readonly children: ReactNode;
}

export function Note({ tone, children }: NoteProps): ReactElement {
  const Icon = tone === "error" ? CircleAlert : Info;
  return (
    <p
      role={tone === "error" ? "alert" : "status"}
      data-testid="banner"
      className={classes(
        "mb-4 flex items-start gap-2 rounded-md border px-3 py-2 text-[13px]",
        tone === "error" ? "border-down/40 bg-down/10" : "border-accent/40 bg-accent-soft",
      )}
    >
      <Icon aria-hidden className={classes("mt-0.5 size-4 shrink-0", tone === "error" ? "text-down" : "text-accent")} />
      <span>{children}</span>
    </p>
  );
}
