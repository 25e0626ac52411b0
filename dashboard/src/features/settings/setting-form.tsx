"use client";

import { useIsMutating } from "@tanstack/react-query";
import { useState, type ReactElement, type ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { Overtaken } from "@/features/settings/overtaken";
import type { Read } from "@/features/settings/values";
import { CONFIG_PATH, putSetting, type Json, type Outcome, type Seen, type Target } from "@/lib/api/config";
import { ApiProblem } from "@/lib/api/problem";
import { useChange } from "@/lib/query/hooks";

/** The API's statuses for a value or key that it does not take. */
const REFUSED = new Set([400, 422]);

interface SettingFormProps {
  /** What is set; its key may still be typed. */
  readonly target: Target;
  readonly seen: Seen | null;
  /** Reads what was typed, or says why it cannot be. */
  readonly read: () => Read;
  readonly onClose: () => void;
  /** The inputs; *problem* belongs at the value. */
  readonly children: (problem: string) => ReactNode;
}

/** What was sent: it stays as it is, whatever is typed until the answer comes. */
interface Attempt {
  readonly target: Target;
  readonly value: Json;
  readonly seen: Seen | null;
}

/** Whether a value is on its way: its window stays then, or nobody would learn that somebody else was faster. */
export function useIsSetting(): boolean {
  return useIsMutating() > 0;
}

/** Sends a value over what was seen, shows refusals at the field, and asks when somebody else was faster. */
export function SettingForm({ target, seen, read, onClose, children }: SettingFormProps): ReactElement {
  const [problem, setProblem] = useState("");
  const [overtaken, setOvertaken] = useState<{ readonly now: Seen | null; readonly mine: Attempt } | null>(null);
  const change = useChange((send, attempt: Attempt) => putSetting(send, attempt.target, attempt.value, attempt.seen), [CONFIG_PATH]);

  const settle = (outcome: Outcome, mine: Attempt): void => (outcome.kind === "done" ? onClose() : setOvertaken({ now: outcome.now, mine }));
  const send = (attempt: Attempt): void => change.mutate(attempt, { onSuccess: (outcome) => settle(outcome, attempt) });
  const submit = (): void => {
    const typed = read();
    setProblem(typed.ok ? "" : typed.problem);
    if (typed.ok) {
      send({ target, value: typed.value, seen });
    }
  };

  const refusal = change.error instanceof ApiProblem && REFUSED.has(change.error.status) ? change.error.message : "";
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <DialogBody>
        {overtaken === null && children(problem === "" ? refusal : problem)}
        {change.error !== null && (refusal === "" || overtaken !== null) && <Notice tone="down">{change.error.message}</Notice>}
        {overtaken !== null && (
          <Overtaken
            settingKey={overtaken.mine.target.key}
            now={overtaken.now}
            mine={overtaken.mine.value}
            busy={change.isPending}
            onKeep={onClose}
            onInsist={() => send({ ...overtaken.mine, seen: overtaken.now })}
          />
        )}
      </DialogBody>
      {overtaken === null && (
        <DialogFooter>
          <Button disabled={change.isPending} onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" tone="primary" disabled={change.isPending} data-testid="save-setting">
            {change.isPending ? "Saving …" : "Save"}
          </Button>
        </DialogFooter>
      )}
    </form>
  );
}
