"use client";

import { Server } from "lucide-react";
import Link from "next/link";
import type { ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { Empty, Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { ScrollArea } from "@/components/ui/scroll-area";
import { BufferedCount, PresenceBadge } from "@/features/devices/presence";
import { BufferPanel } from "@/features/live/buffer-panel";
import { RecentLog } from "@/features/live/recent-log";
import { ConnectionRows } from "@/features/shell/connection-indicator";
import { useDevices, useEngine, useJudgingTime, useNow, usePresenceOf, useStatus, useValue } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { formatAge } from "@/lib/values/format";

/** Beside the tiles on wide screens: who is there, what waits on them, what happened, and what the connection is made of. */
export function DeviceRail(): ReactElement {
  const devices = useDevices().filter((each) => each.revokedAt === null);
  const loaded = useValue(useEngine().refetcher.loaded);
  const outdated = useStatus().connection !== "online";
  return (
    <aside aria-label="Devices, buffers, events and connection" className="grid content-start gap-3 sm:gap-4">
      <Panel aria-label="Devices">
        <PanelHeader title="Devices">
          <Link href="/devices/" prefetch={false} className="ml-auto text-xs font-medium text-accent hover:underline">
            All details
          </Link>
        </PanelHeader>
        {devices.length === 0 && !loaded ? (
          <LoadingLines />
        ) : devices.length === 0 ? (
          <Empty icon={<Server aria-hidden />} title="No device yet">
            A device appears here as soon as it is enrolled.
          </Empty>
        ) : (
          <ScrollArea label="All devices" className={classes("max-h-[372px] transition-opacity duration-300", outdated && "opacity-65")}>
            <ul className="divide-y">
              {devices.map((device) => (
                <DeviceLine key={device.clientId} device={device} />
              ))}
            </ul>
          </ScrollArea>
        )}
      </Panel>
      <BufferPanel />
      <RecentLog />
      <Panel aria-label="Connection">
        <PanelHeader title="Connection" />
        <ConnectionRows />
      </Panel>
    </aside>
  );
}

function LoadingLines(): ReactElement {
  return (
    <div role="status" className="grid gap-3 px-4 py-3">
      <span className="sr-only">Loading devices</span>
      {Array.from({ length: 3 }, (_, index) => (
        <Skeleton key={index} className="h-8" />
      ))}
    </div>
  );
}

function DeviceLine({ device }: { readonly device: Device }): ReactElement {
  const now = useNow();
  const at = useJudgingTime();
  const presence = usePresenceOf(device);
  return (
    <li data-testid="device-row" data-client-id={device.clientId} data-status={presence ?? ""} className="grid grid-cols-1 gap-0.5 px-4 py-2.5">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate text-[13px] font-medium" title={device.clientId}>
          {device.clientId}
        </span>
        <PresenceBadge presence={presence} />
      </div>
      <div className="num flex items-center gap-2 text-xs text-faint">
        <span>{device.heardAt === null || now === 0 ? "never heard" : `heard ${formatAge(Math.max(0, now - device.heardAt))}${now - device.heardAt < 1_500 ? "" : " ago"}`}</span>
        <span className="ml-auto">
          <BufferedCount device={device} at={at} /> buffered
        </span>
      </div>
    </li>
  );
}
