import type { ReactElement } from "react";

import { Tag } from "@/components/ui/tag";
import type { CommandRow } from "@/features/devices/command-log";
import { stageOf, type Stage } from "@/lib/store/commands";
import type { Presence } from "@/lib/store/devices";
import { formatClock } from "@/lib/values/format";

const LOOKS: Readonly<Record<Stage, { readonly tone: "plain" | "ok" | "warn" | "down"; readonly label: string }>> = {
  sending: { tone: "plain", label: "sending" },
  sent: { tone: "plain", label: "sent" },
  away: { tone: "warn", label: "device is away" },
  done: { tone: "ok", label: "done" },
  failed: { tone: "down", label: "failed" },
  rejected: { tone: "down", label: "rejected" },
  expired: { tone: "warn", label: "expired" },
  silent: { tone: "warn", label: "expired" },
  unsent: { tone: "down", label: "not sent" },
};

function detailOf(stage: Stage, row: CommandRow): string {
  switch (stage) {
    case "sending":
    case "done":
      return row.message;
    case "sent":
      return "The broker has it; waiting for the device.";
    case "away":
      return `Kept for it until ${formatClock(row.expiresAt)}.`;
    case "silent":
      return "No answer came before it was void. The device does not carry it out any more.";
    case "unsent":
      return row.trouble;
    case "failed":
    case "rejected":
    case "expired":
      return row.message === "" ? "The device gave no reason." : row.message;
  }
}

interface CommandStageProps {
  readonly row: CommandRow;
  readonly presence: Presence | null;
  readonly now: number;
}

/** Where a command is in its life, and what the device says to it. */
export function CommandStage({ row, presence, now }: CommandStageProps): ReactElement {
  const stage = stageOf(row, presence, now);
  const { tone, label } = LOOKS[stage];
  const detail = detailOf(stage, row);
  return (
    <span role="status" data-testid="command-stage" data-stage={stage} className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
      <Tag tone={tone}>{label}</Tag>
      {detail !== "" && <span className="min-w-0 text-xs break-words text-muted">{detail}</span>}
    </span>
  );
}
