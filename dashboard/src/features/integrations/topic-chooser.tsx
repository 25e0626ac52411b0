"use client";

import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useState, type KeyboardEvent, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Field, FieldError } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { PRESETS, deviceTopics, withTopics, withoutTopics, type Preset } from "@/features/integrations/presets";
import { whyNotReadable } from "@/lib/api/integrations";
import { useDevices, useEngine, usePerson } from "@/lib/engine/hooks";

const SHORTLY_MS = 60_000;

interface TopicChooserProps {
  readonly topics: readonly string[];
  readonly onChange: (topics: readonly string[]) => void;
  /** Why the chosen topics were not accepted; empty when they were. */
  readonly error: string;
}

/** What the program may read: ready choices within one's own rights, one device, or any filter. */
export function TopicChooser({ topics, onChange, error }: TopicChooserProps): ReactElement {
  const presets = useReadablePresets();
  return (
    <fieldset className="grid gap-3" aria-describedby="topics-error">
      <legend className="mb-1.5 text-[13px] font-medium text-muted">What it may read</legend>
      {presets?.length === 0 && <p className="text-[13px] text-muted">Your own roles let you read none of the usual topics.</p>}
      <div className="grid min-h-20 content-start gap-2 sm:grid-cols-2">
        {presets?.map((preset) => (
          <Checkbox
            key={preset.label}
            label={preset.label}
            hint={preset.hint}
            testId="topic-preset"
            checked={preset.topics.every((each) => topics.includes(each))}
            onChange={(checked) => onChange(checked ? withTopics(topics, preset.topics) : withoutTopics(topics, preset.topics))}
          />
        ))}
      </div>
      <DevicePicker onPick={(clientId) => onChange(withTopics(topics, deviceTopics(clientId)))} />
      <OwnFilter onAdd={(filter) => onChange(withTopics(topics, [filter]))} />
      <ChosenTopics topics={topics} onRemove={(topic) => onChange(withoutTopics(topics, [topic]))} />
      <FieldError id="topics-error">{error}</FieldError>
    </fieldset>
  );
}

/** The presets that the signed-in person may read, `null` before it is known; what they may not is not offered. */
function useReadablePresets(): readonly Preset[] | null {
  const { api } = useEngine();
  const { username } = usePerson();
  const readable = useQuery({
    queryKey: ["readable-presets", username],
    staleTime: SHORTLY_MS,
    queryFn: async () => {
      const refusals = await Promise.all(PRESETS.flatMap(({ topics }) => topics).map((topic) => whyNotReadable(api.send, username, topic)));
      return refusals.map((refusal) => refusal === "");
    },
  });
  const { data } = readable;
  return data === undefined ? null : PRESETS.filter((_, at) => data[at] === true);
}

function DevicePicker({ onPick }: { readonly onPick: (clientId: string) => void }): ReactElement | null {
  const devices = useDevices();
  if (devices.length === 0) {
    return null;
  }
  const choices = [{ value: "", label: "Choose a device …" }, ...devices.map(({ clientId }) => ({ value: clientId, label: clientId }))];
  return <Select label="Every reading of one device" showLabel value="" choices={choices} onChoose={(clientId) => clientId !== "" && onPick(clientId)} testId="topic-device" />;
}

function OwnFilter({ onAdd }: { readonly onAdd: (filter: string) => void }): ReactElement {
  const { api } = useEngine();
  const { username } = usePerson();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const add = async (): Promise<void> => {
    const filter = typed.trim();
    if (filter === "" || busy) {
      return;
    }
    setBusy(true);
    try {
      const refusal = await whyNotReadable(api.send, username, filter);
      setError(refusal === "" ? "" : `You may not subscribe to ${filter} yourself, so no program may do so for you.`);
      if (refusal === "") {
        onAdd(filter);
        setTyped("");
      }
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : "That could not be checked. Try again.");
    } finally {
      setBusy(false);
    }
  };
  const onEnter = (event: KeyboardEvent): void => {
    if (event.key === "Enter") {
      event.preventDefault();
      void add();
    }
  };
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-2">
      <Field label="Another topic filter" placeholder="telemetry/press-1/live" value={typed} maxLength={512} spellCheck={false} autoCapitalize="none" error={error} onChange={(event) => setTyped(event.target.value)} onKeyDown={onEnter} data-testid="topic-filter" />
      <Button size="large" className="mt-[26px]" disabled={busy || typed.trim() === ""} onClick={() => void add()} data-testid="topic-add">
        <Plus aria-hidden />
        Add
      </Button>
    </div>
  );
}

function ChosenTopics({ topics, onRemove }: { readonly topics: readonly string[]; readonly onRemove: (topic: string) => void }): ReactElement {
  if (topics.length === 0) {
    return <p className="text-[13px] text-faint">Nothing is chosen yet.</p>;
  }
  return (
    <ul aria-label="Chosen topics" className="flex flex-wrap gap-1.5">
      {topics.map((topic) => (
        <li key={topic} data-testid="chosen-topic" className="flex max-w-full items-center gap-1 rounded-md border bg-raised py-0.5 pr-0.5 pl-2 font-mono text-xs">
          <span className="break-all">{topic}</span>
          <Button tone="quiet" size="icon" className="size-6! shrink-0" aria-label={`Remove ${topic}`} onClick={() => onRemove(topic)}>
            <X aria-hidden />
          </Button>
        </li>
      ))}
    </ul>
  );
}
