"use client";

import { Server } from "lucide-react";
import type { ReactElement } from "react";

import { DataTable, type Column } from "@/components/ui/data-table";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { PresenceBadge } from "@/features/devices/presence";
import { appliedBy, inForce, runningWith, summaryOf, type Applied, type AppliedSummary } from "@/features/settings/applied";
import { listOf, type Settings } from "@/features/settings/queries";
import { useEngine, usePresence, useValue } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { formatInterval } from "@/lib/values/format";

interface AppliedPanelProps {
  readonly settings: Settings;
  /** Those that the settings on the page are for. */
  readonly devices: readonly Device[];
  readonly onDevice: (device: string) => void;
}

const WORDS: Readonly<Record<Applied, string>> = { applied: "Applied", waiting: "On its way", away: "When it is back" };
const TONES = { applied: "ok", waiting: "warn", away: "plain" } as const;

/** Which devices have applied the settings, live from their heartbeats: what was wanted against what they run with. */
export function AppliedPanel({ settings, devices, onDevice }: AppliedPanelProps): ReactElement {
  const { refetcher } = useEngine();
  const isLoaded = useValue(refetcher.loaded);
  const presence = usePresence();
  const summary = summaryOf(devices, settings.version, presence);
  const known = listOf(settings, devices);
  const list = known.phase === "ready" && devices.length === 0 && !isLoaded ? { ...known, phase: "loading" as const } : known;
  const columns: readonly Column<Device>[] = [
    {
      key: "device",
      header: "Device",
      wrap: true,
      cell: ({ clientId }) => (
        <button type="button" onClick={() => onDevice(clientId)} className="text-left font-medium break-all underline-offset-2 hover:underline">
          {clientId}
        </button>
      ),
    },
    { key: "state", header: "State", hiddenBelow: "sm", cell: (device) => <PresenceBadge presence={presence(device)} /> },
    { key: "applied", header: "Settings", cell: (device) => <AppliedTag state={appliedBy(device, settings.version, presence(device))} /> },
    { key: "samples", header: "Samples", cell: (device) => <Runs settingKey="sampling_interval" {...{ settings, device }} /> },
    { key: "heartbeat", header: "Heartbeat", hiddenBelow: "sm", cell: (device) => <Runs settingKey="heartbeat_interval" {...{ settings, device }} /> },
  ];
  return (
    <Panel aria-label="Applied by">
      <PanelHeader title="Applied by">
        {list.phase === "ready" && <Summary summary={summary} />}
      </PanelHeader>
      <DataTable
        label="devices and what they have applied"
        columns={columns}
        list={list}
        rowKey={(device) => device.clientId}
        rowTestId="applied-row"
        empty={
          <Empty icon={<Server aria-hidden />} title="No device is enrolled">
            Settings wait here until the first one comes; it gets them as soon as it has enrolled.
          </Empty>
        }
      />
    </Panel>
  );
}

function AppliedTag({ state }: { readonly state: Applied }): ReactElement {
  return (
    <span data-testid="applied-state" data-state={state}>
      <Tag tone={TONES[state]}>{WORDS[state]}</Tag>
    </span>
  );
}

const MOST_NAMED = 4;

function named(ids: readonly string[]): string {
  const more = ids.length - MOST_NAMED;
  return ids.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** "5 of 6 devices", and why the others have not. */
function Summary({ summary: { applied, of, waiting, away } }: { readonly summary: AppliedSummary }): ReactElement {
  const reasons = [
    ...(waiting.length > 0 ? [`on its way to ${named(waiting)}`] : []),
    ...(away.length > 0 ? [`${named(away)} ${away.length === 1 ? "is" : "are"} away`] : []),
  ];
  return (
    <p data-testid="applied-summary" data-applied={applied} data-of={of} className="num text-xs text-muted">
      {applied} of {of} {of === 1 ? "device" : "devices"}
      {reasons.length > 0 && `; ${reasons.join("; ")}`}
    </p>
  );
}

/** What a device runs with, and what it should when that is something else. */
function Runs({ settingKey, settings, device }: { readonly settingKey: string; readonly settings: Settings; readonly device: Device }): ReactElement {
  const own = settings.own.get(settingKey) ?? settings.ofEach.find((each) => each.key === settingKey && each.device === device.clientId);
  const wanted = Number(inForce(settingKey, own, settings.ofAll.get(settingKey)).value);
  const running = runningWith(settingKey, device);
  return (
    <span data-testid={`runs-${settingKey}`} data-running={running ?? ""} data-wanted={wanted}>
      {running === null ? <span className="text-faint">–</span> : formatInterval(running)}
      {running !== null && running !== wanted && (
        <span className="text-warn" title="What the settings say. A device that was started with an interval of its own keeps that one.">
          {" "}
          → {formatInterval(wanted)}
        </span>
      )}
    </span>
  );
}
