"use client";

import { memo, type ReactElement } from "react";

import { BufferedCount, PresenceBadge } from "@/features/devices/presence";
import { Tile } from "@/features/live/tile";
import { useDevice, useJudgingTime, usePresence, useStatus } from "@/lib/engine/hooks";
import { tileKey } from "@/lib/store/tiles";
import { formatInterval } from "@/lib/values/format";

interface DeviceSectionProps {
  readonly clientId: string;
  readonly metrics: readonly string[];
  /** Place on the chart by tile key. */
  readonly charted: ReadonlyMap<string, number>;
}

/** The tiles of one device below its name and state. */
export const DeviceSection = memo(function DeviceSection({ clientId, metrics, charted }: DeviceSectionProps): ReactElement {
  const headingId = `device-${clientId}`;
  const device = useDevice(clientId);
  const presenceNow = usePresence();
  const presence = device === null ? null : presenceNow(device);
  const connected = useStatus().connection === "online";
  const samplingMs = (device?.figures?.sampling_interval_s ?? 0) * 1_000;
  return (
    <section aria-labelledby={headingId}>
      <DeviceHeading id={headingId} clientId={clientId} metricCount={metrics.length} />
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,164px),1fr))] gap-2 sm:grid-cols-[repeat(auto-fill,minmax(188px,1fr))]">
        {metrics.map((metric) => (
          <Tile key={metric} clientId={clientId} metric={metric} seriesNo={charted.get(tileKey(clientId, metric)) ?? 0} presence={presence} samplingMs={samplingMs} connected={connected} />
        ))}
      </div>
    </section>
  );
});

interface DeviceHeadingProps {
  readonly id: string;
  readonly clientId: string;
  readonly metricCount: number;
}

function DeviceHeading({ id, clientId, metricCount }: DeviceHeadingProps): ReactElement {
  const device = useDevice(clientId);
  const at = useJudgingTime();
  const presence = usePresence();
  const sampling = device?.figures?.sampling_interval_s ?? null;
  return (
    <header className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-0.5 text-xs text-muted">
      <h2 id={id} className="text-[13px] font-semibold text-text">
        {clientId}
      </h2>
      {device !== null && <PresenceBadge presence={presence(device)} />}
      <span className="num">
        {metricCount} {metricCount === 1 ? "metric" : "metrics"}
      </span>
      {sampling !== null && sampling > 0 && <span className="num">every {formatInterval(sampling)}</span>}
      {device?.figures?.pending != null && device.figures.pending > 0 && (
        <span>
          buffered <BufferedCount device={device} at={at} />
        </span>
      )}
    </header>
  );
}
