import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { valueText } from "@/features/settings/values";
import { whoText } from "@/features/settings/who-and-when";
import type { Json, Seen } from "@/lib/api/config";
import { formatClock } from "@/lib/values/format";

interface OvertakenProps {
  readonly settingKey: string;
  /** What somebody else left; `null` when they took the setting back. */
  readonly now: Seen | null;
  readonly mine: Json;
  readonly busy: boolean;
  readonly onKeep: () => void;
  readonly onInsist: () => void;
}

/** Somebody changed the setting while it was being edited: both values, and the choice between them. */
export function Overtaken({ settingKey, now, mine, busy, onKeep, onInsist }: OvertakenProps): ReactElement {
  const theirs = now === null ? "not set" : valueText(settingKey, now.setting.value);
  return (
    <div data-testid="overtaken" className="grid gap-3">
      <Notice tone="warn">
        {now === null
          ? `Somebody took ${settingKey} back while you were editing it. Nothing of yours was set yet.`
          : `${whoText(now.setting)} changed ${settingKey} at ${formatClock(now.setting.updatedAt)}, while you were editing it. Nothing of yours was set yet.`}
      </Notice>
      <div className="grid gap-3 sm:grid-cols-2">
        <Side title="As it is now" text={theirs} testId="overtaken-theirs">
          <Button disabled={busy} onClick={onKeep} data-testid="keep-theirs">
            Keep this
          </Button>
        </Side>
        <Side title="Yours" text={valueText(settingKey, mine)} testId="overtaken-mine">
          <Button tone="primary" disabled={busy} onClick={onInsist} data-testid="set-mine">
            {busy ? "Saving …" : "Set this all the same"}
          </Button>
        </Side>
      </div>
    </div>
  );
}

interface SideProps {
  readonly title: string;
  readonly text: string;
  readonly testId: string;
  readonly children: ReactElement;
}

function Side({ title, text, testId, children }: SideProps): ReactElement {
  return (
    <div className="grid content-between gap-3 rounded-md border bg-bg p-3">
      <div className="min-w-0">
        <p className="text-xs text-muted">{title}</p>
        <p data-testid={testId} className="num mt-1 max-h-40 overflow-y-auto font-medium break-words whitespace-pre-wrap">
          {text}
        </p>
      </div>
      {children}
    </div>
  );
}
