"use client";

import type { ReactElement, ReactNode, SubmitEvent } from "react";

import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFooter, type DialogProps } from "@/components/ui/dialog";

interface FormDialogProps extends Omit<DialogProps, "open" | "held"> {
  /** What the button says that sends it: "Create user". */
  readonly action: string;
  /** What it says while it is on its way: "Creating …". */
  readonly working: string;
  /** It is on its way; until its outcome is there, the window stays and nothing is sent. */
  readonly busy: boolean;
  /** False while there is nothing to send. */
  readonly ready?: boolean;
  /** The fields say themselves what is wrong with them, not the browser. */
  readonly noValidate?: boolean;
  readonly onSubmit: (event: SubmitEvent) => void;
  /** Of the button that sends it. */
  readonly testId: string;
  /** Something else that can be done here, at the other end of the buttons. */
  readonly aside?: ReactNode;
}

/** A window with a form that is sent once and stays until its outcome is told. */
export function FormDialog({ action, working, busy, ready = true, noValidate = false, onSubmit, testId, aside, children, onClose, ...dialog }: FormDialogProps): ReactElement {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!busy) {
      onSubmit(event);
    }
  };
  return (
    <Dialog open held={busy} onClose={onClose} {...dialog}>
      <form onSubmit={submit} noValidate={noValidate}>
        <DialogBody>{children}</DialogBody>
        <DialogFooter>
          {aside}
          <Button disabled={busy} onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" tone="primary" disabled={busy || !ready} data-testid={testId}>
            {busy ? working : action}
          </Button>
        </DialogFooter>
      </form>
    </Dialog>
  );
}
