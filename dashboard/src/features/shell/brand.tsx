import type { ReactElement } from "react";

/** The mark: a pulse that settles on an exact point. */
export function Mark({ className }: { readonly className?: string }): ReactElement {
  return (
    <svg viewBox="0 0 24 24" className={className} aria-hidden fill="none">
      <rect x="0.75" y="0.75" width="22.5" height="22.5" rx="6" className="fill-accent-soft stroke-accent/50" strokeWidth="1.5" />
      <path d="M4.5 13.5h3l2-6 3.4 10.2 2-4.2h1.6" className="stroke-accent" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" />
      <circle cx="18.6" cy="13.5" r="1.5" className="fill-accent" />
    </svg>
  );
}

export function Brand(): ReactElement {
  return (
    <span className="flex items-center gap-2 font-semibold tracking-tight">
      <Mark className="size-6" />
      <span className="hidden sm:inline">PrecisionPulse</span>
    </span>
  );
}
