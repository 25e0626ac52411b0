"use client";

import { CircleCheck, LoaderCircle } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { useDesktops, useReach, type DesktopKnowledge } from "@/features/access/reach";
import { countText } from "@/features/access/rights";
import type { Reach } from "@/lib/api/access";

/** What came of ending an account, moving by itself as desktops hear of it. *before*: what ran until then. */
export function Effect({ userId, before }: { readonly userId: string; readonly before: Reach | null }): ReactElement {
  const after = useReach(userId, "after");
  const desktops = useDesktops(after);
  return (
    <ul className="grid gap-3 text-[13px]" data-testid="effect" aria-live="polite">
      <Line testId="effect-sessions" done={after?.sessions === 0}>
        {ended(before?.sessions, after?.sessions, "session", "sessions", "ended")}
      </Line>
      <Line testId="effect-connections" done={after?.connections === 0}>
        {ended(before?.connections, after?.connections, "live connection", "live connections", "cut")}
      </Line>
      {desktops.length > 0 && <Desktops desktops={desktops} />}
      <Line testId="effect-sign-in" done={after !== null}>
        Nobody can sign in with this name any more.
      </Line>
    </ul>
  );
}

function ended(before: number | undefined, after: number | undefined, one: string, many: string, verb: string): string {
  if (after === undefined) {
    return `Asking whether any ${one} is left …`;
  }
  if (after > 0) {
    return `${countText(after, `${one} is`, `${many} are`)} still there.`;
  }
  return before === undefined ? `No ${one} is left.` : before === 0 ? `There was no ${one} to end.` : `${countText(before, one, many)} ${verb}, none is left.`;
}

function Desktops({ desktops }: { readonly desktops: readonly DesktopKnowledge[] }): ReactElement {
  const waiting = desktops.filter((each) => !each.knows);
  return (
    <Line testId="effect-desktops" done={waiting.length === 0}>
      {desktops.length - waiting.length} of {countText(desktops.length, "desktop knows", "desktops know")} of it and let nobody in with this name.
      {waiting.length > 0 && (
        <span className="block text-xs text-muted">
          Still to hear of it: {waiting.map((each) => `${each.clientId} (${each.presence === "OFFLINE" ? "offline, when it is back" : "in a moment"})`).join(", ")}.
        </span>
      )}
    </Line>
  );
}

function Line({ testId, done, children }: { readonly testId: string; readonly done: boolean; readonly children: ReactNode }): ReactElement {
  return (
    <li data-testid={testId} data-done={done} className="flex items-start gap-2.5">
      {done ? <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" /> : <LoaderCircle aria-hidden className="mt-0.5 size-4 shrink-0 animate-spin text-warn motion-reduce:animate-none" />}
      <span className="min-w-0">{children}</span>
    </li>
  );
}
