"use client";

import { Popover as Radix } from "radix-ui";
import type { ReactElement, ReactNode, RefObject } from "react";

interface PopoverPanelProps {
  /** Where it stands, and where the focus goes back to. */
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** The open panel of a popover; loaded by popover.tsx when it is first wanted, never imported by pages. */
export default function PopoverPanel({ button, label, onClose, children }: PopoverPanelProps): ReactElement {
  const onTheButton = (target: EventTarget | null): boolean => target instanceof Node && button.current?.contains(target) === true;
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Anchor virtualRef={button} />
      <Radix.Portal>
        <Radix.Content
          aria-label={label}
          align="end"
          sideOffset={6}
          collisionPadding={12}
          // The button closes it by itself; closing here as well would open it again.
          onInteractOutside={(event) => onTheButton(event.target) && event.preventDefault()}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            button.current?.focus();
          }}
          className="appear z-50 w-80 max-w-[calc(100vw-24px)] rounded-lg border border-line-strong bg-surface shadow-float focus:outline-none"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
