"use client";

import { useState, type ReactElement, type ReactNode } from "react";

import { Confirm } from "@/components/ui/confirm";
import { useSeen } from "@/features/settings/seen";
import { valueText } from "@/features/settings/values";
import { whoText } from "@/features/settings/who-and-when";
import { CONFIG_PATH, deleteSetting, type Outcome, type Seen, type Target } from "@/lib/api/config";
import { useChange } from "@/lib/query/hooks";

interface ResetDialogProps {
  readonly target: Target;
  readonly title: string;
  /** What the button says. */
  readonly action: string;
  readonly onClose: () => void;
  /** What will count afterwards. */
  readonly children: ReactNode;
}

/** Takes a setting back, and asks again when somebody changed it meanwhile. */
export function ResetDialog({ target, title, action, onClose, children }: ResetDialogProps): ReactElement {
  const seen = useSeen(target);
  const [newer, setNewer] = useState<Seen | null>(null);
  const change = useChange((send, over: Seen | null) => deleteSetting(send, target, over), [CONFIG_PATH]);
  const settle = (outcome: Outcome): void => (outcome.kind === "done" ? onClose() : setNewer(outcome.now));
  const overtaken = newer === null ? "" : `${whoText(newer.setting)} changed it to ${valueText(target.key, newer.setting.value)} in the meantime. Confirm again to take that back as well.`;
  return (
    <Confirm
      open
      onClose={onClose}
      title={title}
      action={action}
      busy={change.isPending}
      ready={!seen.isPending}
      trouble={change.error?.message ?? (overtaken === "" ? (seen.failureReason?.message ?? "") : overtaken)}
      onConfirm={() => change.mutate(newer ?? seen.data ?? null, { onSuccess: settle })}
    >
      {children}
    </Confirm>
  );
}
