"use client";

import type { ReactElement } from "react";

import { inForce } from "@/features/settings/applied";
import { FreeDialog } from "@/features/settings/free-dialog";
import type { KnownSetting } from "@/features/settings/known";
import { KnownDialog } from "@/features/settings/known-dialog";
import type { Settings } from "@/features/settings/queries";
import { ResetDialog } from "@/features/settings/reset-dialog";
import { defaultText, valueText } from "@/features/settings/values";

/** What somebody is about to do. */
export type Deed =
  | { readonly kind: "edit-known"; readonly setting: KnownSetting }
  | { readonly kind: "reset-known"; readonly setting: KnownSetting }
  | { readonly kind: "edit-free"; readonly key: string }
  | { readonly kind: "delete-free"; readonly key: string };

interface SettingDialogsProps {
  readonly deed: Deed;
  readonly settings: Settings;
  readonly device: string;
  readonly onClose: () => void;
}

/** The window of what somebody is about to do. */
export function SettingDialogs({ deed, settings, device, onClose }: SettingDialogsProps): ReactElement {
  switch (deed.kind) {
    case "edit-known": {
      const inherited = inForce(deed.setting.key, undefined, settings.ofAll.get(deed.setting.key)).value;
      return <KnownDialog setting={deed.setting} {...{ device, inherited, onClose }} exceptions={exceptionsText(deed.setting.key, settings)} />;
    }
    case "reset-known":
      return (
        <ResetDialog target={{ key: deed.setting.key, device }} title={`Reset ${deed.setting.label.toLowerCase()}?`} action="Reset" onClose={onClose}>
          {resetText(deed.setting, settings, device)}
        </ResetDialog>
      );
    case "edit-free":
      return <FreeDialog settingKey={deed.key} {...{ device, onClose }} />;
    case "delete-free":
      return (
        <ResetDialog target={{ key: deed.key, device }} title={`Delete ${deed.key}?`} action="Delete" onClose={onClose}>
          {deleteText(deed.key, settings, device)}
        </ResetDialog>
      );
  }
}

function exceptionsText(key: string, settings: Settings): string {
  const own = settings.ofEach.filter((each) => each.key === key).map((each) => each.device);
  return own.length === 0 ? "" : `${own.join(", ")} ${own.length === 1 ? "has its" : "have their"} own value and ${own.length === 1 ? "keeps" : "keep"} it.`;
}

function resetText(setting: KnownSetting, settings: Settings, device: string): string {
  if (device === "") {
    return `Every device without a value of its own goes back to the default, ${defaultText(setting)}.`;
  }
  return `${device} goes back to the value of all devices, ${valueText(setting.key, inForce(setting.key, undefined, settings.ofAll.get(setting.key)).value)}.`;
}

function deleteText(key: string, settings: Settings, device: string): string {
  const ofAll = settings.ofAll.get(key);
  if (device === "") {
    return "Programs that read it on a device find nothing any more, unless the device has a value of its own.";
  }
  return ofAll === undefined ? `Programs that read it on ${device} find nothing any more.` : `On ${device} the value of all devices counts again: ${valueText(key, ofAll.value)}.`;
}
