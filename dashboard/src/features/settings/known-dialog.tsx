"use client";

import { useState, type ReactElement } from "react";

import { Dialog } from "@/components/ui/dialog";
import { Field, FieldError } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import type { KnownSetting } from "@/features/settings/known";
import { SeenGate } from "@/features/settings/seen-gate";
import { SettingForm, useIsSetting } from "@/features/settings/setting-form";
import { boundsText, defaultText, editKnownText, readKnownNumber, type Read } from "@/features/settings/values";
import type { Json, Seen, Target } from "@/lib/api/config";

interface KnownDialogProps {
  readonly setting: KnownSetting;
  readonly device: string;
  /** What counts now, when nothing is set here. */
  readonly inherited: Json;
  /** Who does not follow a change, in a sentence; empty when all do. */
  readonly exceptions: string;
  readonly onClose: () => void;
}

/** Sets a setting that devices know, within its bounds. */
export function KnownDialog({ setting, device, inherited, exceptions, onClose }: KnownDialogProps): ReactElement {
  const target: Target = { key: setting.key, device };
  const whom = device === "" ? `For all devices. ${exceptions}` : `For ${device} alone; it goes before the value of all devices.`;
  return (
    <Dialog open held={useIsSetting()} onClose={onClose} title={setting.label} description={`${setting.about} ${whom}`}>
      <SeenGate target={target}>{(seen) => <KnownForm {...{ setting, target, seen, inherited, onClose }} />}</SeenGate>
    </Dialog>
  );
}

interface KnownFormProps {
  readonly setting: KnownSetting;
  readonly target: Target;
  readonly seen: Seen | null;
  readonly inherited: Json;
  readonly onClose: () => void;
}

function KnownForm({ setting, target, seen, inherited, onClose }: KnownFormProps): ReactElement {
  const [typed, setTyped] = useState(editKnownText(seen === null ? inherited : seen.setting.value));
  const { rule } = setting;
  const read = (): Read => (rule.kind === "number" ? readKnownNumber(typed, rule) : { ok: true, value: typed });
  return (
    <SettingForm {...{ target, seen, read, onClose }}>
      {(problem) =>
        rule.kind === "number" ? (
          <Field
            label={`Value in ${rule.unit}`}
            value={typed}
            inputMode="decimal"
            autoComplete="off"
            data-testid="setting-value"
            error={problem}
            hint={`${boundsText(rule)}${rule.whole ? ", whole" : ""}. Default: ${defaultText(setting)}.`}
            onChange={(event) => setTyped(event.target.value)}
          />
        ) : (
          <div className="grid gap-1.5">
            <Select label="Value" showLabel value={typed} choices={rule.words} onChoose={setTyped} testId="setting-value" />
            <FieldError id="setting-value-error">{problem}</FieldError>
            <p className="text-xs text-faint">Default: {defaultText(setting)}.</p>
          </div>
        )
      }
    </SettingForm>
  );
}
