/**
 * The newest value of every metric of every device, with its change and a short history for the sparkline.
 *
 * Values come in by `offer`, from live messages, heartbeats of a device that catches up, and the archive;
 * `supersedes` decides, so what arrives twice or late changes nothing. Readers see immutable snapshots, told
 * once a frame. Bounded: so many devices, so many metrics each, so many points. Read next: ordering.ts.
 */

import type { MetricValue } from "@/contract/payloads";
import { FrameNotifier, type NextFrame } from "@/lib/store/frame";
import { supersedes, type Position } from "@/lib/store/ordering";
import { PointRing, type Point } from "@/lib/store/points";
import { stitch } from "@/lib/store/series";
import type { Unsubscribe } from "@/lib/store/value-store";
import { difference, sameValue } from "@/lib/values/exact";
import { fractionDigits } from "@/lib/values/format";

export const SPARK_POINTS = 120;
const MOST_METRICS = 4_096;
const INDEX = "\n";
/** A value that changes more often than this is seen to move by its digits; flashes without end would tell nothing. */
const CALM_MS = 500;
/** A tile shows at most twelve values a second; ten a second go through untouched. */
const READABLE_MS = 80;

/** `live`: as it happened. `replayed`: from a heartbeat while the device catches up. `known`: from the archive or a retained heartbeat. */
export type Origin = "live" | "replayed" | "known";

export interface Sample {
  readonly clientId: string;
  readonly metrics: ReadonlyMap<string, MetricValue>;
  readonly position: Position;
  readonly origin: Origin;
  /** When it reached this browser (or the archive, for `known`), in ms on this browser's clock. */
  readonly receivedAt: number;
}

export interface Tile {
  readonly clientId: string;
  readonly metric: string;
  readonly value: MetricValue;
  /** The step from the value before, exact for integers; `null` when there is none. */
  readonly delta: bigint | number | null;
  readonly direction: "up" | "down" | "none";
  /** Places after the point to show a double with: the most that any of its values needed. */
  readonly fraction: number;
  /** Counts the changes worth a flash, so that it can be started anew. */
  readonly flashes: number;
  /** When the value last changed, in ms on this browser's clock; `null` when it has not. */
  readonly changedAt: number | null;
  readonly position: Position;
  readonly origin: Origin;
  readonly receivedAt: number;
  /** The newest samples seen, for the sparkline and as the chart's beginning; the same ring in every snapshot. */
  readonly recent: PointRing;
}

export interface DeviceTiles {
  readonly clientId: string;
  readonly metrics: readonly string[];
}

export function tileKey(clientId: string, metric: string): string {
  return `${clientId}\n${metric}`;
}

function directionOf(delta: bigint | number | null): Tile["direction"] {
  if (delta === null || delta == 0) {
    return "none";
  }
  return delta > 0 ? "up" : "down";
}

function isCalm(shown: Tile, at: number): boolean {
  return shown.changedAt === null || at - shown.changedAt >= CALM_MS;
}

/** A replayed value is the device's newest, not necessarily of that sample: it stands without its number. */
function pointOf(value: MetricValue, { position, origin }: Sample): Point {
  return { at: position.recordedAt, value, stream: position.stream, sequence: origin === "live" ? position.sequence : null };
}

export class TileStore {
  readonly #frames: FrameNotifier;
  readonly #tiles = new Map<string, Tile>();
  #index: readonly DeviceTiles[] = [];
  #indexStale = false;
  #refused = 0;

  constructor(nextFrame: NextFrame) {
    this.#frames = new FrameNotifier(nextFrame, READABLE_MS);
  }

  /** How many metrics were not taken because the screen's memory is bounded. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes the metrics of a sample that are newer than what is shown. */
  offer(sample: Sample, currentStream: string | null): void {
    for (const [metric, value] of sample.metrics) {
      const key = tileKey(sample.clientId, metric);
      const shown = this.#tiles.get(key) ?? null;
      if (supersedes(sample.position, shown?.position ?? null, currentStream)) {
        this.#show(key, metric, value, sample, shown);
      }
    }
  }

  tile(clientId: string, metric: string): Tile | null {
    return this.#tiles.get(tileKey(clientId, metric)) ?? null;
  }

  readonly index = (): readonly DeviceTiles[] => {
    // Sorted when it is looked at, since many metrics appear at once.
    if (this.#indexStale) {
      this.#indexStale = false;
      this.#index = this.#sorted();
    }
    return this.#index;
  };

  readonly subscribeIndex = (run: () => void): Unsubscribe => this.#frames.subscribe(INDEX, run);

  subscribe(clientId: string, metric: string, run: () => void): Unsubscribe {
    return this.#frames.subscribe(tileKey(clientId, metric), run);
  }

  /** Puts samples from the archive before those seen live, so that a sparkline does not begin empty. */
  fillRecent(clientId: string, metric: string, history: readonly Point[]): void {
    const tile = this.tile(clientId, metric);
    if (tile !== null) {
      tile.recent.fill(stitch(history, tile.recent.toArray().filter((point) => point.sequence !== null)));
      this.#tiles.set(tileKey(clientId, metric), { ...tile });
      this.#frames.mark(tileKey(clientId, metric));
    }
  }

  clear(): void {
    this.#tiles.clear();
    this.#index = [];
    this.#indexStale = false;
    this.#frames.mark(INDEX);
  }

  #show(key: string, metric: string, value: MetricValue, sample: Sample, shown: Tile | null): void {
    if (shown === null && this.#tiles.size >= MOST_METRICS) {
      this.#refused += 1;
      return;
    }
    const changed = shown !== null && !sameValue(value, shown.value);
    const delta = changed ? difference(value, shown.value) : (shown?.delta ?? null);
    const recent = shown?.recent ?? new PointRing(SPARK_POINTS);
    recent.push(pointOf(value, sample));
    this.#tiles.set(key, {
      clientId: sample.clientId,
      metric,
      value,
      delta,
      direction: directionOf(delta),
      fraction: Math.max(shown?.fraction ?? 0, typeof value === "number" ? fractionDigits(value) : 0),
      flashes: (shown?.flashes ?? 0) + (changed && isCalm(shown, sample.receivedAt) ? 1 : 0),
      changedAt: changed ? sample.receivedAt : (shown?.changedAt ?? null),
      position: sample.position,
      origin: sample.origin,
      receivedAt: sample.receivedAt,
      recent,
    });
    this.#frames.mark(key);
    if (shown === null) {
      this.#indexStale = true;
      this.#frames.mark(INDEX);
    }
  }

  #sorted(): readonly DeviceTiles[] {
    const byDevice = new Map<string, string[]>();
    for (const { clientId, metric } of this.#tiles.values()) {
      const metrics = byDevice.get(clientId) ?? [];
      metrics.push(metric);
      byDevice.set(clientId, metrics);
    }
    return [...byDevice]
      .sort(([left], [right]) => left.localeCompare(right))
      .map(([clientId, metrics]) => ({ clientId, metrics: metrics.sort((left, right) => left.localeCompare(right)) }));
  }
}
