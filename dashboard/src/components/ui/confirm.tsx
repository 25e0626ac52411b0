"use client";

import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";

interface ConfirmProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What the button says: the deed, for example "Revoke device". */
  readonly action: string;
  readonly busy: boolean;
  /** Why it did not work; empty when it was not tried. */
  readonly trouble: string;
  readonly onConfirm: () => void;
  /** What will happen. */
  readonly children: ReactNode;
}

/** Asks before something that cannot simply be taken back. */
export function Confirm({ open, onClose, title, action, busy, trouble, onConfirm, children }: ConfirmProps): ReactElement {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <DialogBody>
        <div className="text-[13px] leading-relaxed text-muted">{children}</div>
        {trouble !== "" && <Notice tone="down">{trouble}</Notice>}
      </DialogBody>
      <DialogFooter>
        <Button onClick={onClose}>Cancel</Button>
        <Button tone="danger" disabled={busy} onClick={onConfirm} data-testid="confirm">
          {busy ? "Working …" : action}
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
