import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";

interface ScrollAreaProps {
  readonly label: string;
  readonly className: string;
  readonly children: ReactNode;
}

/** A list that scrolls within its panel, with the keyboard too. *className* bounds its height. */
export function ScrollArea({ label, className, children }: ScrollAreaProps): ReactElement {
  return (
    <div
      role="region"
      aria-label={label}
      // What scrolls must be reachable without a mouse (WCAG 2.1.1).
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className={classes("overflow-y-auto outline-offset-[-2px]!", className)}
    >
      {children}
    </div>
  );
}
