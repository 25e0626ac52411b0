"use client";

import { CircleCheck, LoaderCircle } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { useDesktops, useReach, type DesktopKnowledge } from "@/features/access/reach";
import { countText } from "@/features/access/rights";
import type { Reach } from "@/lib/api/access";

/** What came of ending an account, moving by itself as desktops hear of it. *before*: what ran until then. */
export function Effect({ userId, before }: { readonly userId: string; readonly before: Reach | null }): ReactElement {
  const { reach: after, trouble, again } = useReach(userId, "after");
  const desktops = useDesktops(after);
  return (
    <div className="grid gap-3">
      {trouble !== "" && (
        <Notice tone="down" action={<Button size="small" onClick={again}>Try again</Button>}>
          What is left of it could not be read: {trouble}
        </Notice>
      )}
      <ul className="grid gap-3 text-[13px]" data-testid="effect" aria-live="polite">
        {(after !== null || trouble === "") && <Left before={before} after={after} />}
        {desktops.length > 0 && <Desktops desktops={desktops} />}
        <Line testId="effect-sign-in" done>
          Nobody can sign in with this name any more.
        </Line>
      </ul>
    </div>
  );
}

function Left({ before, after }: { readonly before: Reach | null; readonly after: Reach | null }): ReactElement {
  return (
    <>
      <Line testId="effect-sessions" done={after?.sessions === 0}>
        {ended(before?.sessions, after?.sessions, "session", "sessions", "ended")}
      </Line>
      <Line testId="effect-connections" done={after?.connections === 0}>
        {ended(before?.connections, after?.connections, "token for live data", "tokens for live data", "withdrawn")}
      </Line>
    </>
  );
}

function ended(before: number | undefined, after: number | undefined, one: string, many: string, verb: string): string {
  if (after === undefined) {
    return `Asking whether any ${one} is left …`;
  }
  if (after > 0) {
    return `${countText(after, `${one} is`, `${many} are`)} still there.`;
  }
  return before === undefined ? `No ${one} is left.` : before === 0 ? `There was no ${one}.` : `${countText(before, one, many)} ${verb}, none is left.`;
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
