"use client";

import { Server } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";
import { Empty, Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { BufferedCount, PresenceBadge } from "@/features/devices/presence";
import { useDevices, useEngine, useJudgingTime, useNow, usePresence, useValue } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { formatAge, formatDateTime, formatInterval } from "@/lib/values/format";

/** Every enrolled device with presence, buffer and version. */
export function DevicesPage(): ReactElement {
  const engine = useEngine();
  const devices = useDevices();
  const loaded = useValue(engine.refetcher.loaded);
  return (
    <div className="mx-auto max-w-[1600px]">
      <h1 className="sr-only">Devices</h1>
      <Panel aria-label="Devices">
        <PanelHeader title="Devices">
          <span className="num text-xs text-faint">{devices.length}</span>
        </PanelHeader>
        {devices.length > 0 ? <DeviceTable devices={devices} /> : loaded ? <NoDevices /> : <Rows />}
      </Panel>
    </div>
  );
}

function NoDevices(): ReactElement {
  return (
    <Empty icon={<Server aria-hidden />} title="No device is enrolled">
      A device appears here as soon as it has enrolled with a one-time code.
    </Empty>
  );
}

function Rows(): ReactElement {
  return (
    <div role="status" className="grid gap-2 p-4">
      <span className="sr-only">Loading devices</span>
      {Array.from({ length: 4 }, (_, index) => (
        <Skeleton key={index} className="h-9" />
      ))}
    </div>
  );
}

const COLUMNS = ["Device", "State", "Buffered", "Heard", "Samples", "Heartbeat", "Version", "Enrolled"] as const;
/** Columns that give way on narrow screens, by place. */
const NARROW = ["", "", "", "", "max-md:hidden", "max-lg:hidden", "max-md:hidden", "max-lg:hidden"] as const;

function DeviceTable({ devices }: { readonly devices: readonly Device[] }): ReactElement {
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-left text-[13px]">
        <thead>
          <tr className="border-b text-xs text-muted">
            {COLUMNS.map((column, index) => (
              <th key={column} scope="col" className={classes("px-4 py-2 font-medium whitespace-nowrap max-sm:px-2.5", NARROW[index])}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {devices.map((device) => (
            <DeviceRow key={device.clientId} device={device} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DeviceRow({ device }: { readonly device: Device }): ReactElement {
  const now = useNow();
  const at = useJudgingTime();
  const presence = usePresence()(device);
  const { sampling_interval_s: sampling = null, heartbeat_interval_s: beat = null, app_version: version = null } = device.figures ?? {};
  return (
    <tr data-testid="device-row" data-client-id={device.clientId} data-status={presence ?? ""} className="hover:bg-raised">
      <Cell at={0}>
        <span className="font-medium">{device.clientId}</span> {device.revokedAt !== null && <Tag tone="down">revoked</Tag>}
      </Cell>
      <Cell at={1}>
        <PresenceBadge presence={presence} />
      </Cell>
      <Cell at={2}>
        <BufferedCount device={device} at={at} />
      </Cell>
      <Cell at={3}>
        {device.heardAt === null || now === 0 ? <span className="text-faint">never</span> : <span title={formatDateTime(device.heardAt)}>{formatAge(Math.max(0, now - device.heardAt))}</span>}
      </Cell>
      <Cell at={4}>{sampling === null ? "–" : `every ${formatInterval(sampling)}`}</Cell>
      <Cell at={5}>{beat === null ? "–" : `every ${formatInterval(beat)}`}</Cell>
      <Cell at={6}>{version ?? "–"}</Cell>
      <Cell at={7}>{device.enrolledAt === null ? "–" : formatDateTime(device.enrolledAt)}</Cell>
    </tr>
  );
}

function Cell({ at, children }: { readonly at: number; readonly children: ReactNode }): ReactElement {
  return <td className={classes("num px-4 py-2.5 whitespace-nowrap max-sm:px-2.5", NARROW[at])}>{children}</td>;
}
