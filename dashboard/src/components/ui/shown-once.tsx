"use client";

import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";

/** A dialog with something in it that cannot be shown again. */
export interface ShownOnce {
  /** For the dialog's `onClose`: Escape, a click outside and the cross only ask, the dialog's own buttons close. */
  readonly leave: () => void;
  /** Somebody wanted to leave, perhaps by accident, and what is shown would be lost. */
  readonly leaving: boolean;
  readonly stay: () => void;
}

/** *held*: whether it is shown now; until then, and when it is of no use any more, leaving closes at once. */
export function useShownOnce(held: boolean, onClose: () => void): ShownOnce {
  const [asked, setAsked] = useState(false);
  if (asked && !held) {
    // What the same window shows next has not been left yet.
    setAsked(false);
  }
  return { leave: held ? () => setAsked(true) : onClose, leaving: held && asked, stay: () => setAsked(false) };
}

/** Says in the dialog's footer that leaving loses it; nothing while nobody wants to leave. *what*: "The token". */
export function LeavingLoses({ what, once }: { readonly what: string; readonly once: ShownOnce }): ReactElement | null {
  return once.leaving ? (
    <div role="alert" data-testid="leaving" className="mr-auto flex flex-wrap items-center gap-2 text-[13px] text-warn">
      {what} cannot be shown again.
      <Button size="small" onClick={once.stay}>
        Keep it open
      </Button>
    </div>
  ) : null;
}
