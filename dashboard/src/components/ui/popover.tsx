"use client";

import { lazy, Suspense, useRef, useState, type ComponentProps, type ReactElement, type ReactNode } from "react";

/** What places and closes a panel outweighs the rest of the frame, so it comes when one is first opened. */
const PopoverPanel = lazy(() => import("@/components/ui/popover-panel"));

/** What a trigger must hand on to its button. */
export type PopoverTriggerProps = Pick<ComponentProps<"button">, "aria-expanded" | "aria-haspopup" | "onClick" | "ref">;

interface PopoverProps {
  /** Draws the button that opens the panel; it must spread what it is given on the button. */
  readonly trigger: (props: PopoverTriggerProps) => ReactElement;
  readonly label: string;
  readonly children: ReactNode;
}

/** A small panel that opens below its trigger; Escape and a click elsewhere close it. */
export function Popover({ trigger, label, children }: PopoverProps): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      {trigger({ ref: button, "aria-haspopup": "dialog", "aria-expanded": open, onClick: () => setOpen(!open) })}
      {open && (
        <Suspense>
          <PopoverPanel button={button} label={label} onClose={() => setOpen(false)}>
            {children}
          </PopoverPanel>
        </Suspense>
      )}
    </>
  );
}
