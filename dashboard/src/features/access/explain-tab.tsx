"use client";

import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, SearchCheck } from "lucide-react";
import { useId, useState, type ReactElement, type SubmitEvent } from "react";

import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Empty, Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { Select } from "@/components/ui/select";
import { examples, nameSuggestions, principalKind, type PrincipalKind } from "@/features/access/asking";
import { useUsers } from "@/features/access/collections";
import { Answer } from "@/features/access/explain-answer";
import { useAllowed } from "@/features/shell/allowed";
import { explain, type TopicAction } from "@/lib/api/access";
import { useDevices, useEngine, usePerson } from "@/lib/engine/hooks";
import { useAddress } from "@/lib/query/address";

const KINDS: readonly { readonly value: PrincipalKind; readonly label: string }[] = [
  { value: "user", label: "Person" },
  { value: "device", label: "Device" },
  { value: "integration", label: "Integration" },
  { value: "service", label: "Service" },
];
const ACTIONS: readonly { readonly value: TopicAction; readonly label: string }[] = [
  { value: "subscribe", label: "subscribe to" },
  { value: "publish", label: "publish to" },
];

interface Question {
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly action: TopicAction;
  readonly topic: string;
}

/** Who may what, and why: the decision as the system makes it, with the role, permission and rule it rests on. */
export function ExplainTab(): ReactElement {
  const address = useAddress();
  const asked = questionOf(address.get("who"), address.get("action"), address.get("topic"));
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2 lg:grid-rows-[auto_1fr]">
      <Asking
        first={asked}
        onAsk={(question) => address.set({ who: `${question.kind}:${question.name.trim()}`, action: question.action, topic: question.topic.trim() })}
      />
      <Panel aria-label="Answer" aria-live="polite" className="lg:col-start-2 lg:row-span-2 lg:row-start-1">
        <PanelHeader title="Answer" />
        {asked.name === "" || asked.topic === "" ? (
          <Empty icon={<SearchCheck aria-hidden />} title="Ask something">
            Choose who, what and which topic, or take one of the examples.
          </Empty>
        ) : (
          <Asked question={asked} />
        )}
      </Panel>
    </div>
  );
}

function questionOf(who: string, action: string, topic: string): Question {
  const [kind = "", ...name] = who.split(":");
  return { kind: principalKind(kind), name: name.join(":"), action: action === "publish" ? "publish" : "subscribe", topic };
}

function Asking({ first, onAsk }: { readonly first: Question; readonly onAsk: (question: Question) => void }): ReactElement {
  const [question, setQuestion] = useState(first);
  const [filledBy, setFilledBy] = useState(JSON.stringify(first));
  if (filledBy !== JSON.stringify(first)) {
    // A question that comes by the address, from a person's window or an example, fills the form anew; the focus stays.
    setFilledBy(JSON.stringify(first));
    setQuestion(first);
  }
  const self = usePerson().username;
  const users = useUsers(useAllowed("MANAGE_USERS"));
  const devices = useDevices();
  const listId = useId();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onAsk(question);
  };
  const known = nameSuggestions(question.kind, users.items.map((each) => each.name), devices.map((each) => each.clientId));
  return (
    <>
      <Panel aria-label="Question">
        <PanelHeader title="May …" />
        <form onSubmit={submit} className="grid gap-4 p-4">
          <div className="grid items-start gap-3 sm:grid-cols-[9rem_1fr]">
            <Select label="Kind" showLabel value={question.kind} choices={KINDS} onChoose={(kind) => setQuestion({ ...question, kind, name: "" })} testId="explain-kind" />
            <Field label="Name" list={listId} required autoComplete="off" autoCapitalize="none" spellCheck={false} value={question.name} onChange={(event) => setQuestion({ ...question, name: event.target.value })} data-testid="explain-name" />
            <datalist id={listId}>
              {known.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
            <Select label="Action" showLabel value={question.action} choices={ACTIONS} onChoose={(action) => setQuestion({ ...question, action })} testId="explain-action" />
            <Field label="Topic" required maxLength={512} autoComplete="off" autoCapitalize="none" spellCheck={false} placeholder={question.action === "publish" ? "command/device-1/force_sync" : "telemetry/+/live"} hint={question.action === "publish" ? "One topic, without + or #: nobody publishes to a filter." : "A topic, or a filter with + and #."} value={question.topic} onChange={(event) => setQuestion({ ...question, topic: event.target.value })} data-testid="explain-topic" />
          </div>
          <div>
            <Button type="submit" tone="primary" data-testid="explain-ask">
              <SearchCheck aria-hidden />
              Explain
            </Button>
          </div>
        </form>
      </Panel>
      <Panel aria-label="Examples" className="max-lg:order-last lg:col-start-1">
        <PanelHeader title="For example" />
        <div className="flex flex-wrap gap-2 p-4">
          {examples(question.kind, question.name || (question.kind === "user" ? self : (known[0] ?? ""))).map((each) => (
            <Button key={each.words} size="small" className="h-auto! min-h-7 max-w-full text-left whitespace-normal!" data-testid="explain-example" onClick={() => onAsk(each)}>
              {each.words}
            </Button>
          ))}
        </div>
      </Panel>
    </>
  );
}

function Asked({ question }: { readonly question: Question }): ReactElement {
  const { api } = useEngine();
  const principal = `${question.kind}:${question.name}`;
  const query = useQuery({
    queryKey: ["/acl/explain", principal, question.action, question.topic],
    queryFn: () => explain(api.send, principal, { action: question.action, topic: question.topic }),
    staleTime: 0,
  });
  if (query.failureReason !== null) {
    return (
      <div className="p-4">
        <Notice tone="down" action={<Button size="small" onClick={() => void query.refetch()}>Try again</Button>}>
          {query.failureReason.message}
        </Notice>
      </div>
    );
  }
  if (query.data === undefined) {
    return (
      <div role="status" className="p-4">
        <span className="sr-only">Asking</span>
        <Skeleton className="h-20" />
      </div>
    );
  }
  return <Answer found={query.data} icon={query.data.allowed ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />} />;
}
