import type { ComponentProps, ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";

export function Panel({ className, ...rest }: ComponentProps<"section">): ReactElement {
  return <section className={classes("min-w-0 rounded-lg border bg-surface shadow-card", className)} {...rest} />;
}

interface PanelHeaderProps {
  readonly title: string;
  readonly children?: ReactNode;
}

export function PanelHeader({ title, children }: PanelHeaderProps): ReactElement {
  return (
    <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-1.5">
      <h2 className="text-[13px] font-semibold">{title}</h2>
      {children}
    </header>
  );
}

interface EmptyProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children: ReactNode;
}

/** What stands where there is nothing to show, and what to do about it. */
export function Empty({ icon, title, children }: EmptyProps): ReactElement {
  return (
    <div className="grid h-full content-center justify-items-center gap-1.5 px-6 py-12 text-center">
      <span className="mb-1 grid size-10 place-items-center rounded-full border bg-raised text-muted [&_svg]:size-5">{icon}</span>
      <p className="font-medium">{title}</p>
      <p className="max-w-sm text-[13px] leading-relaxed text-muted">{children}</p>
    </div>
  );
}

export function Skeleton({ className }: { readonly className?: string }): ReactElement {
  return <div aria-hidden className={classes("animate-pulse rounded-md bg-raised motion-reduce:animate-none", className)} />;
}
