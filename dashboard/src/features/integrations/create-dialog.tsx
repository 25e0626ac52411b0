"use client";

import { useState, type ReactElement } from "react";

import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { useShownOnce } from "@/components/ui/shown-once";
import { isDeviceId } from "@/contract/topics";
import { IssuedToken } from "@/features/integrations/issued-token";
import { formatDay } from "@/features/integrations/life";
import { TopicChooser } from "@/features/integrations/topic-chooser";
import { createIntegration, INTEGRATIONS, type IssuedIntegration, type WantedIntegration } from "@/lib/api/integrations";
import { ApiProblem } from "@/lib/api/problem";
import { useEngine, useNow, useValue } from "@/lib/engine/hooks";
import { useChange } from "@/lib/query/hooks";

const LONGEST_DAYS = 365;
const USUAL_DAYS = "90";
const DAY_MS = 86_400_000;
const NAME_RULE = "1 to 64 of A-Z a-z 0-9 . _ -";
const OF_NAME: ReadonlySet<string> = new Set(["name-taken", "invalid-name"]);
const OF_TOPICS: ReadonlySet<string> = new Set(["cannot-grant", "invalid-rule"]);

interface Refusals {
  readonly name: string;
  readonly topics: string;
  readonly days: string;
  /** What is about none of the fields. */
  readonly other: string;
}

const NONE: Refusals = { name: "", topics: "", days: "", other: "" };

function refusalsOf(error: Error): Refusals {
  const kind = error instanceof ApiProblem ? error.kind : "";
  if (OF_NAME.has(kind)) {
    return { ...NONE, name: error.message };
  }
  return OF_TOPICS.has(kind) ? { ...NONE, topics: error.message } : { ...NONE, other: error.message };
}

function checked(name: string, topics: readonly string[], days: number): Refusals {
  return {
    name: isDeviceId(name) ? "" : `A name is ${NAME_RULE}.`,
    topics: topics.length > 0 ? "" : "Choose at least one thing that it may read.",
    days: Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS ? "" : `A whole number of days, 1 to ${LONGEST_DAYS}.`,
    other: "",
  };
}

/** Asks what a new integration is to read, and then shows its token, once. */
export function CreateDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const [made, setMade] = useState<IssuedIntegration | null>(null);
  const once = useShownOnce(made !== null, onClose);
  if (made !== null) {
    return (
      <Dialog open wide onClose={once.leave} title={`Token of ${made.name}`}>
        <IssuedToken made={made} once={once} onDone={onClose} />
      </Dialog>
    );
  }
  return <CreateForm onMade={setMade} onClose={onClose} />;
}

function CreateForm({ onMade, onClose }: { readonly onMade: (made: IssuedIntegration) => void; readonly onClose: () => void }): ReactElement {
  const [name, setName] = useState("");
  const [topics, setTopics] = useState<readonly string[]>([]);
  const [days, setDays] = useState(USUAL_DAYS);
  const [refusals, setRefusals] = useState(NONE);
  const create = useChange((send, wanted: WantedIntegration) => createIntegration(send, wanted), [INTEGRATIONS]);
  const submit = (): void => {
    const wanted = { name: name.trim(), topics, days: Number(days) };
    const found = checked(wanted.name, topics, wanted.days);
    setRefusals(found);
    if (Object.values(found).every((each) => each === "")) {
      create.mutate(wanted, { onSuccess: onMade, onError: (error) => setRefusals(refusalsOf(error)) });
    }
  };
  return (
    <FormDialog
      wide
      noValidate
      title="New integration"
      description="A token for one program. It can only read, and no more than you may read yourself; when you lose a right, it ends."
      action="Create token"
      working="Creating …"
      testId="integration-create"
      busy={create.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label="Name" hint={`What the program is called in lists and logs: ${NAME_RULE}.`} value={name} maxLength={64} spellCheck={false} autoCapitalize="none" autoComplete="off" error={refusals.name} onChange={(event) => setName(event.target.value)} data-testid="integration-name" />
      <TopicChooser topics={topics} onChange={setTopics} error={refusals.topics} />
      <Life days={days} onChange={setDays} error={refusals.days} />
      {refusals.other !== "" && <Notice tone="down">{refusals.other}</Notice>}
    </FormDialog>
  );
}

function Life({ days, onChange, error }: { readonly days: string; readonly onChange: (days: string) => void; readonly error: string }): ReactElement {
  const { api } = useEngine();
  const serverNow = useNow() + useValue(api.clockOffset);
  const count = Number(days);
  const until = Number.isInteger(count) && count >= 1 && count <= LONGEST_DAYS ? ` This one until ${formatDay(serverNow + count * DAY_MS)}.` : "";
  return (
    <Field
      label="Days until it runs out"
      type="number"
      inputMode="numeric"
      min={1}
      max={LONGEST_DAYS}
      step={1}
      hint={`At most ${LONGEST_DAYS}; then the program needs a new one.${until}`}
      error={error}
      value={days}
      onChange={(event) => onChange(event.target.value)}
      data-testid="integration-days"
    />
  );
}
