"use client";

import { memo, type ReactElement } from "react";

import { BufferedCount, PresenceBadge } from "@/features/devices/presence";
import type { Surroundings } from "@/features/live/freshness";
import type { Pin } from "@/features/live/pins";
import { Tile } from "@/features/live/tile";
import { useDevice, useJudgingTime, useOnScreen, usePresenceOf, useStatus } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { tileKey } from "@/lib/store/tiles";
import { formatInterval } from "@/lib/values/format";

const GRID = "grid grid-cols-[repeat(auto-fill,minmax(min(100%,164px),1fr))] gap-2 sm:grid-cols-[repeat(auto-fill,minmax(188px,1fr))]";

/** The browser skips what is off the screen; the size stands in for that of a section never shown yet. */
const SLEEPS_OFF_SCREEN = "[content-visibility:auto] [contain-intrinsic-size:auto_124px]";

interface TileGroupProps {
  /** Place on the chart by tile key. */
  readonly charted: ReadonlyMap<string, number>;
  readonly onPin: (pin: Pin) => void;
}

interface DeviceSectionProps extends TileGroupProps {
  readonly clientId: string;
  readonly metrics: readonly string[];
}

/** What the tiles of a device must know of it and of this browser's connection. */
function useSurroundings(clientId: string): Surroundings {
  const device = useDevice(clientId);
  const connected = useStatus().connection === "online";
  return { presence: usePresenceOf(device), samplingMs: (device?.figures?.sampling_interval_s ?? 0) * 1_000, connected };
}

/** The tiles of one device below its name and state. */
export const DeviceSection = memo(function DeviceSection({ clientId, metrics, charted, onPin }: DeviceSectionProps): ReactElement {
  const headingId = `device-${clientId}`;
  const surroundings = useSurroundings(clientId);
  const [section, near] = useOnScreen<HTMLElement>();
  return (
    <section ref={section} aria-labelledby={headingId} data-testid="device-tiles" data-client-id={clientId} className={SLEEPS_OFF_SCREEN}>
      <DeviceHeading id={headingId} clientId={clientId} metricCount={metrics.length} />
      <div className={GRID}>
        {metrics.map((metric) => (
          <Tile key={metric} clientId={clientId} metric={metric} seriesNo={charted.get(tileKey(clientId, metric)) ?? 0} pinned={false} near={near} onPin={onPin} {...surroundings} />
        ))}
      </div>
    </section>
  );
});

/** The pinned tiles, before all devices. */
export const PinnedSection = memo(function PinnedSection({ pins, charted, onPin }: TileGroupProps & { readonly pins: readonly Pin[] }): ReactElement {
  return (
    <section aria-labelledby="pinned-tiles" data-testid="pinned-tiles">
      <h2 id="pinned-tiles" className="mb-2 text-[13px] font-semibold">
        Pinned
      </h2>
      <div className={GRID}>
        {pins.map((pin) => (
          <PinnedTile key={tileKey(pin.clientId, pin.metric)} pin={pin} seriesNo={charted.get(tileKey(pin.clientId, pin.metric)) ?? 0} onPin={onPin} />
        ))}
      </div>
    </section>
  );
});

function PinnedTile({ pin, seriesNo, onPin }: { readonly pin: Pin; readonly seriesNo: number; readonly onPin: (pin: Pin) => void }): ReactElement {
  const surroundings = useSurroundings(pin.clientId);
  return <Tile near clientId={pin.clientId} metric={pin.metric} seriesNo={seriesNo} pinned onPin={onPin} {...surroundings} />;
}

interface DeviceHeadingProps {
  readonly id: string;
  readonly clientId: string;
  readonly metricCount: number;
}

function DeviceHeading({ id, clientId, metricCount }: DeviceHeadingProps): ReactElement {
  const device = useDevice(clientId);
  const presence = usePresenceOf(device);
  const sampling = device?.figures?.sampling_interval_s ?? null;
  return (
    <header className="mb-2 flex flex-wrap items-center gap-x-3 gap-y-0.5 text-xs text-muted">
      <h2 id={id} className="text-[13px] font-semibold text-text">
        {clientId}
      </h2>
      <PresenceBadge presence={presence} />
      <span className="num">
        {metricCount} {metricCount === 1 ? "metric" : "metrics"}
      </span>
      {sampling !== null && sampling > 0 && <span className="num">every {formatInterval(sampling)}</span>}
      {device?.figures?.pending != null && device.figures.pending > 0 && (
        <Buffered device={device} />
      )}
    </header>
  );
}

function Buffered({ device }: { readonly device: Device }): ReactElement {
  return (
    <span>
      buffered <BufferedCount device={device} at={useJudgingTime()} />
    </span>
  );
}
