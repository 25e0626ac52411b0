"use client";

import { useState, type ReactElement } from "react";

import { Choice } from "@/components/ui/choice";
import { Dialog } from "@/components/ui/dialog";
import { Field, FieldError } from "@/components/ui/field";
import { SeenGate } from "@/features/settings/seen-gate";
import { SettingForm, useIsSetting } from "@/features/settings/setting-form";
import { editText, keyProblem, kindOf, readFree, type FreeKind, type Read } from "@/features/settings/values";
import type { Seen } from "@/lib/api/config";

const KINDS: readonly { readonly value: FreeKind; readonly label: string }[] = [
  { value: "text", label: "Text" },
  { value: "number", label: "Number" },
  { value: "flag", label: "Yes or no" },
  { value: "json", label: "JSON" },
];
const FLAGS = [
  { value: "true", label: "Yes (true)" },
  { value: "false", label: "No (false)" },
] as const;

interface FreeDialogProps {
  /** Empty when a new one is added. */
  readonly settingKey: string;
  readonly device: string;
  readonly onClose: () => void;
}

/** Adds or changes a setting for the users' own programs: any key, any JSON. */
export function FreeDialog({ settingKey, device, onClose }: FreeDialogProps): ReactElement {
  const whom = device === "" ? "All devices get it." : `${device} alone gets it; it goes before the value of all devices.`;
  return (
    <Dialog open held={useIsSetting()} onClose={onClose} title={settingKey === "" ? "Add a setting" : settingKey} description={`For your own programs; the device itself makes nothing of it. ${whom}`}>
      {settingKey === "" ? (
        <FreeForm {...{ settingKey, device, onClose }} seen={null} />
      ) : (
        <SeenGate target={{ key: settingKey, device }}>{(seen) => <FreeForm {...{ settingKey, device, seen, onClose }} />}</SeenGate>
      )}
    </Dialog>
  );
}

function FreeForm({ settingKey, device, seen, onClose }: FreeDialogProps & { readonly seen: Seen | null }): ReactElement {
  const [key, setKey] = useState(settingKey);
  const [badKey, setBadKey] = useState("");
  const [kind, setKind] = useState<FreeKind>(seen === null ? "text" : kindOf(seen.setting.value));
  const [typed, setTyped] = useState(seen === null ? "" : editText(seen.setting.value));
  const read = (): Read => {
    const problem = settingKey === "" ? keyProblem(key) : "";
    setBadKey(problem);
    // The reason stands at the key; nothing is wrong with the value.
    return problem === "" ? readFree(kind, typed) : { ok: false, problem: "" };
  };
  const choose = (next: FreeKind): void => {
    setKind(next);
    if (next === "flag") {
      setTyped(typed === "false" ? "false" : "true");
    }
  };
  return (
    <SettingForm target={{ key, device }} {...{ seen, read, onClose }}>
      {(problem) => (
        <>
          {settingKey === "" && (
            <Field label="Key" value={key} error={badKey} autoComplete="off" spellCheck={false} data-testid="setting-key" hint="For example shift/name." onChange={(event) => setKey(event.target.value)} />
          )}
          <div className="justify-self-start">
            <Choice label="Kind of value" value={kind} choices={KINDS} onChoose={choose} />
          </div>
          <FreeValue {...{ kind, typed, problem }} onType={setTyped} />
        </>
      )}
    </SettingForm>
  );
}

interface FreeValueProps {
  readonly kind: FreeKind;
  readonly typed: string;
  readonly problem: string;
  readonly onType: (typed: string) => void;
}

function FreeValue({ kind, typed, problem, onType }: FreeValueProps): ReactElement {
  if (kind === "flag") {
    return (
      <div className="grid justify-items-start gap-1.5">
        <Choice label="Value" value={typed === "true" ? "true" : "false"} choices={FLAGS} onChoose={onType} />
        <FieldError id="free-value-error">{problem}</FieldError>
      </div>
    );
  }
  if (kind === "number") {
    return <Field label="Value" value={typed} inputMode="decimal" autoComplete="off" data-testid="setting-value" error={problem} hint="Whole numbers stay exact to 64 bits." onChange={(event) => onType(event.target.value)} />;
  }
  return (
    <label className="grid gap-1.5 text-[13px] font-medium text-muted">
      Value
      <textarea
        value={typed}
        rows={kind === "json" ? 8 : 3}
        spellCheck={false}
        data-testid="setting-value"
        aria-invalid={problem === "" ? undefined : true}
        onChange={(event) => onType(event.target.value)}
        className="w-full rounded-md border bg-bg px-3 py-2 font-mono text-xs leading-relaxed font-normal text-text hover:border-line-strong aria-invalid:border-down"
      />
      <FieldError id="free-value-error">{problem}</FieldError>
    </label>
  );
}
