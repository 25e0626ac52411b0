/** How current a tile's value is, in one word; pure. */

import type { Device, Presence } from "@/lib/store/devices";
import type { Tile } from "@/lib/store/tiles";

const LEAST_STALE_MS = 10_000;
const MISSED_SAMPLES = 3;
/** For a device that is known to be away nothing more is expected. */
const AWAY_STALE_MS = 2_000;

export interface Freshness {
  /** `stale` overrules where the value came from. */
  readonly kind: "live" | "replayed" | "known" | "stale";
  readonly ageMs: number;
}

export interface Surroundings {
  readonly device: Device | null;
  /** `null` when unknown. */
  readonly presence: Presence | null;
  /** Whether this browser's own connection is up and its screen up to date. */
  readonly connected: boolean;
}

/** *now*: ms on this browser's clock, 0 before the page runs. */
export function freshnessOf(tile: Tile, { device, presence, connected }: Surroundings, now: number): Freshness {
  const ageMs = Math.max(0, now - tile.receivedAt);
  const samplingMs = (device?.figures?.sampling_interval_s ?? 0) * 1_000;
  const limitMs = Math.max(presence === "OFFLINE" ? AWAY_STALE_MS : LEAST_STALE_MS, MISSED_SAMPLES * samplingMs);
  return { kind: ageMs > limitMs || !connected ? "stale" : tile.origin, ageMs };
}
