"use client";

import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Copyable } from "@/components/ui/copyable";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { LeavingLoses, useShownOnce } from "@/components/ui/shown-once";

interface HandOverProps {
  readonly title: string;
  /** The first password, as the server has it now. */
  readonly password: string;
  readonly onClose: () => void;
  /** What has happened. */
  readonly children: string;
}

/** Shows somebody's first password once more, so that it can be handed over. */
export function HandOver({ title, password, onClose, children }: HandOverProps): ReactElement {
  const once = useShownOnce(true, onClose);
  return (
    <Dialog open onClose={once.leave} title={title}>
      <DialogBody>
        <Notice tone="ok">{children}</Notice>
        <p className="text-[13px] text-muted">Hand over this password. It is not shown again, and must be changed at the next sign-in.</p>
        <Copyable label="first password" text={password} testId="handed-password" />
      </DialogBody>
      <DialogFooter>
        <LeavingLoses what="The password" once={once} />
        <Button tone="primary" onClick={onClose} data-testid="done">
          Done
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
