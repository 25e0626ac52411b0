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
  /** It is on its way; until its outcome is there, the window stays. */
  readonly busy: boolean;
  /** False while what it is about is not known yet. */
  readonly ready?: boolean;
  /** Why it did not work; empty when it was not tried. */
  readonly trouble: string;
  readonly onConfirm: () => void;
  /** What will happen. */
  readonly children: ReactNode;
}

/** Asks before something that cannot simply be taken back. */
export function Confirm({ open, onClose, title, action, busy, ready = true, trouble, onConfirm, children }: ConfirmProps): ReactElement {
  return (
    <Dialog open={open} held={busy} onClose={onClose} title={title}>
      <DialogBody>
        <div className="text-[13px] leading-relaxed text-muted">{children}</div>
        {trouble !== "" && <Notice tone="down">{trouble}</Notice>}
      </DialogBody>
      <DialogFooter>
        <Button disabled={busy} onClick={onClose}>
          Cancel
        </Button>
        <Button tone="danger" disabled={busy || !ready} onClick={onConfirm} data-testid="confirm">
          {busy ? "Working …" : action}
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
