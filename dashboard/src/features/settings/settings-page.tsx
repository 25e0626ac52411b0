"use client";

import { useState, type ReactElement } from "react";

import { Notice } from "@/components/ui/notice";
import { Page } from "@/components/ui/page";
import { Select } from "@/components/ui/select";
import { AppliedPanel } from "@/features/settings/applied-panel";
import { FreePanel } from "@/features/settings/free-panel";
import { KnownPanel } from "@/features/settings/known-panel";
import { useSettings } from "@/features/settings/queries";
import { SettingDialogs, type Deed } from "@/features/settings/setting-dialogs";
import { Allowed, useAllowed } from "@/features/shell/allowed";
import { useDevices, useEngine, useValue } from "@/lib/engine/hooks";
import { useAddress } from "@/lib/query/address";

export function SettingsPage(): ReactElement {
  return (
    <Allowed permissions={["EDIT_CONFIG"]}>
      <SettingsOfOneOrAll />
    </Allowed>
  );
}

function SettingsOfOneOrAll(): ReactElement {
  const address = useAddress();
  const device = address.get("device");
  const settings = useSettings(device);
  const [deed, setDeed] = useState<Deed | null>(null);
  const enrolled = useDevices().filter((each) => each.revokedAt === null);
  const choose = (next: string): void => address.set({ device: next });
  const lead =
    device === ""
      ? "They reach every device by themselves and count there without a restart. A device's own value goes before the one here."
      : `What ${device} has of its own goes before the value of all devices.`;
  return (
    <Page title="Settings" lead={lead} actions={<Scope device={device} known={enrolled.map((each) => each.clientId)} onChoose={choose} />}>
      <UnknownDevice device={device} isKnown={enrolled.some((each) => each.clientId === device)} />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,36rem)]">
        <div className="grid min-w-0 gap-4">
          <KnownPanel
            settings={settings}
            device={device}
            onEdit={(setting) => setDeed({ kind: "edit-known", setting })}
            onReset={(setting) => setDeed({ kind: "reset-known", setting })}
            onDevice={choose}
          />
          <FreePanel
            settings={settings}
            device={device}
            onAdd={() => setDeed({ kind: "edit-free", key: "" })}
            onEdit={(key) => setDeed({ kind: "edit-free", key })}
            onDelete={(key) => setDeed({ kind: "delete-free", key })}
          />
        </div>
        <WhoApplied>
          <AppliedPanel settings={settings} devices={device === "" ? enrolled : enrolled.filter((each) => each.clientId === device)} onDevice={choose} />
        </WhoApplied>
      </div>
      {deed !== null && <SettingDialogs deed={deed} settings={settings} device={device} onClose={() => setDeed(null)} />}
    </Page>
  );
}

interface ScopeProps {
  readonly device: string;
  readonly known: readonly string[];
  readonly onChoose: (device: string) => void;
}

function Scope({ device, known, onChoose }: ScopeProps): ReactElement {
  const ids = device === "" || known.includes(device) ? known : [...known, device];
  const choices = [{ value: "", label: "All devices" }, ...ids.map((id) => ({ value: id, label: id }))];
  return <Select label="Settings of" value={device} choices={choices} onChoose={onChoose} testId="settings-scope" />;
}

/** A name in the address that no device has. */
function UnknownDevice({ device, isKnown }: { readonly device: string; readonly isKnown: boolean }): ReactElement | null {
  const { refetcher } = useEngine();
  const isLoaded = useValue(refetcher.loaded);
  return device !== "" && isLoaded && !isKnown ? (
    <Notice tone="warn">No device {device} is enrolled, so nothing can be set for it. Choose another one above.</Notice>
  ) : null;
}

/** Heartbeats are for those who may see the dashboard. */
function WhoApplied({ children }: { readonly children: ReactElement }): ReactElement {
  return useAllowed("VIEW_DASHBOARD") ? children : <Notice>Which devices have applied the settings is shown to those who hold VIEW_DASHBOARD.</Notice>;
}
