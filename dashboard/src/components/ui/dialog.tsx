"use client";

import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";

export interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** A sentence below the title, read out with it. */
  readonly description?: ReactNode;
  readonly wide?: boolean;
  /** Something is on its way whose outcome must be seen: until it is there, the dialog stays. */
  readonly held?: boolean;
  readonly children: ReactNode;
}

/** Where the focus was before the first of several windows that follow one another. */
let cameFrom: Element | null = null;

function noteWhereFrom(): void {
  // A window that follows another finds the focus nowhere, since that one has just gone with it.
  if (document.activeElement !== document.body) {
    cameFrom = document.activeElement;
  }
}

/** Radix gives the focus back only to a trigger of its own, and pages open windows themselves. */
function giveFocusBack(event: Event): void {
  event.preventDefault();
  if (cameFrom instanceof HTMLElement && document.querySelector("[data-window]") === null) {
    cameFrom.focus();
    cameFrom = null;
  }
}

/** A window over the page; Escape, a click outside and the cross close it, and the focus goes back to where it was. */
export function Dialog({ open, onClose, title, description, wide = false, held = false, children }: DialogProps): ReactElement {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && !held && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="appear fixed inset-0 z-50 bg-black/50" />
        <Radix.Content
          data-window=""
          onOpenAutoFocus={noteWhereFrom}
          onCloseAutoFocus={giveFocusBack}
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
          className={classes(
            "appear fixed top-1/2 left-1/2 z-50 flex max-h-[calc(100dvh-32px)] w-[calc(100vw-24px)] -translate-x-1/2 -translate-y-1/2 flex-col rounded-lg border border-line-strong bg-surface shadow-float focus:outline-none",
            wide ? "max-w-3xl" : "max-w-lg",
          )}
        >
          <div className="flex items-start gap-3 border-b px-5 py-4">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-[15px] font-semibold">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description asChild>
                  <div className="mt-1 text-[13px] leading-relaxed text-muted">{description}</div>
                </Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <Button tone="quiet" size="icon" aria-label="Close" disabled={held} className="-mt-1 -mr-2">
                <X aria-hidden />
              </Button>
            </Radix.Close>
          </div>
          <div className="min-h-0 overflow-y-auto">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function DialogBody({ children }: { readonly children: ReactNode }): ReactElement {
  return <div className="grid gap-4 px-5 py-4">{children}</div>;
}

/** The row of buttons at the end; the one that does it comes last. */
export function DialogFooter({ children }: { readonly children: ReactNode }): ReactElement {
  return <div className="sticky bottom-0 flex flex-wrap items-center justify-end gap-2 border-t bg-surface px-5 py-3">{children}</div>;
}
