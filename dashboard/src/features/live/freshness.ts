/** How current a tile's value is, in one word; pure. */

import type { Presence } from "@/lib/store/devices";
import type { Tile } from "@/lib/store/tiles";

const MISSED_SAMPLES = 3;
/** Below this, being late says nothing: messages and screens have their own unrest. */
const LEAST_STALE_MS = 3_000;
const UNKNOWN_STALE_MS = 10_000;
/** For a device that is known to be away nothing more is expected. */
const AWAY_STALE_MS = 2_000;

/** `stale` overrules where the value came from. */
export type Freshness = Tile["origin"] | "stale";

export interface Surroundings {
  /** Of its device; `null` when unknown. */
  readonly presence: Presence | null;
  /** The device's sampling interval; 0 when unknown. */
  readonly samplingMs: number;
  /** Whether this browser's own connection is up and its screen up to date. */
  readonly connected: boolean;
}

/** *now*: ms on this browser's clock, 0 before the page runs. */
export function ageOf(tile: Tile, now: number): number {
  return Math.max(0, now - tile.receivedAt);
}

function limitMs({ presence, samplingMs }: Surroundings): number {
  if (presence === "OFFLINE") {
    return AWAY_STALE_MS;
  }
  return samplingMs === 0 ? UNKNOWN_STALE_MS : Math.max(LEAST_STALE_MS, MISSED_SAMPLES * samplingMs);
}

export function freshnessOf(tile: Tile, surroundings: Surroundings, now: number): Freshness {
  return ageOf(tile, now) > limitMs(surroundings) || !surroundings.connected ? "stale" : tile.origin;
}
