"use client";

import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { DialogBody } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { Skeleton } from "@/components/ui/panel";
import { useSeen } from "@/features/settings/seen";
import type { Seen, Target } from "@/lib/api/config";

interface SeenGateProps {
  readonly target: Target;
  readonly children: (seen: Seen | null) => ReactNode;
}

/** Shows an editor once the setting was read as it is now. */
export function SeenGate({ target, children }: SeenGateProps): ReactElement {
  const seen = useSeen(target);
  if (seen.data !== undefined) {
    return <>{children(seen.data)}</>;
  }
  return (
    <DialogBody>
      {seen.failureReason === null ? (
        <div role="status">
          <span className="sr-only">Loading the setting</span>
          <Skeleton className="h-10" />
        </div>
      ) : (
        <Notice tone="down" action={<Button size="small" onClick={() => void seen.refetch()}>Try again</Button>}>
          {seen.failureReason.message}
        </Notice>
      )}
    </DialogBody>
  );
}
