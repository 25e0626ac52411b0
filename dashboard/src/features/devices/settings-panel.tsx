"use client";

import Link from "next/link";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { useDeviceSettings } from "@/features/devices/device-queries";
import { Fact, Facts } from "@/features/devices/fact";
import { desiredSettings, differs, HEARTBEAT, isBehind, SAMPLING, settingText, type DesiredSetting, type SettingSource } from "@/features/devices/settings-state";
import { useAllowed } from "@/features/shell/allowed";
import type { DeviceSettings } from "@/lib/api/devices";
import type { Device } from "@/lib/store/devices";
import { formatInterval } from "@/lib/values/format";

function seconds(value: number | null): string {
  return value === null ? "–" : formatInterval(value);
}

/** What the device should have, and what it says that it has. */
export function SettingsPanel({ device }: { readonly device: Device }): ReactElement {
  const mayRead = useAllowed("EDIT_CONFIG");
  const { sampling_interval_s: sampling = null, heartbeat_interval_s: beat = null, config_version: version = null } = device.figures ?? {};
  return (
    <Panel aria-label="Settings" data-testid="settings">
      <PanelHeader title="Settings">
        {mayRead && (
          <Link href="/settings/" prefetch={false} className="ml-auto text-xs font-medium text-accent underline-offset-4 hover:underline">
            Change settings
          </Link>
        )}
      </PanelHeader>
      <Facts label="In force on the device">
        <Fact name="Samples every" testId="applied-sampling">{seconds(sampling)}</Fact>
        <Fact name="Heartbeat every" testId="applied-heartbeat">{seconds(beat)}</Fact>
        <Fact name="Version in force" title="Of the newest settings change that the device has applied" testId="applied-version">{version === null ? "–" : String(version)}</Fact>
      </Facts>
      {mayRead && <Desired device={device} />}
    </Panel>
  );
}

function Desired({ device }: { readonly device: Device }): ReactElement {
  const own = useDeviceSettings(device.clientId, true);
  const all = useDeviceSettings("", true);
  const failure = own.failureReason ?? all.failureReason;
  const again = (): void => {
    void own.refetch();
    void all.refetch();
  };
  if (failure !== null) {
    return (
      <div className="border-t p-3">
        <Notice tone="down" action={<Button size="small" onClick={again}>Try again</Button>}>
          The desired settings could not be read. {failure.message}
        </Notice>
      </div>
    );
  }
  if (own.data === undefined || all.data === undefined) {
    return <Skeleton className="m-4 h-16" />;
  }
  return <DesiredTable device={device} own={own.data} all={all.data} />;
}

const SOURCES: Readonly<Record<SettingSource, string>> = { device: "this device", all: "all devices", default: "not set" };

interface DesiredTableProps {
  readonly device: Device;
  readonly own: DeviceSettings;
  readonly all: DeviceSettings;
}

function DesiredTable({ device, own, all }: DesiredTableProps): ReactElement {
  const applied = device.figures?.config_version ?? null;
  const behind = isBehind(applied, own.version);
  return (
    <div className="border-t">
      <p role="status" data-testid="settings-state" data-behind={behind} className="px-4 pt-3 text-[13px]">
        {behind ? (
          <span className="text-warn">
            {applied === null
              ? "The device has not said yet what it has applied."
              : `Not all is applied yet: the newest change is version ${String(own.version)}, the device has ${applied}.`}
          </span>
        ) : (
          <span className="text-ok">{own.version === 0n ? "Nobody has changed a setting yet." : `Every change up to version ${String(own.version)} is applied.`}</span>
        )}
      </p>
      <table aria-label="Desired settings" className="mt-2 w-full text-left text-[13px]">
        <thead>
          <tr className="border-b text-xs text-muted">
            <th scope="col" className="px-4 py-1.5 font-medium">Desired</th>
            <th scope="col" className="px-2 py-1.5 font-medium">Value</th>
            <th scope="col" className="px-4 py-1.5 text-right font-medium">Set for</th>
          </tr>
        </thead>
        <tbody className="divide-y">
          {desiredSettings(own, all).map((each) => (
            <DesiredRow key={each.key} setting={each} device={device} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DesiredRow({ setting: { key, value, source }, device }: { readonly setting: DesiredSetting; readonly device: Device }): ReactElement {
  const inForce = key === SAMPLING ? (device.figures?.sampling_interval_s ?? null) : key === HEARTBEAT ? (device.figures?.heartbeat_interval_s ?? null) : null;
  return (
    <tr data-testid="desired" data-key={key}>
      <th scope="row" className="px-4 py-1.5 font-normal break-all text-muted">{key}</th>
      <td className="num max-w-40 px-2 py-1.5 break-words">
        {source === "default" ? <span className="text-faint">its default</span> : settingText(value)}{" "}
        {differs(value, inForce) && <Tag tone="warn" title="The device says another value">in force: {String(inForce)}</Tag>}
      </td>
      <td className="px-4 py-1.5 text-right text-xs text-muted">{SOURCES[source]}</td>
    </tr>
  );
}
