/** How current a tile's value is, in one word; pure. */

import { presenceOf, type Device } from "@/lib/store/devices";
import type { Tile } from "@/lib/store/tiles";

const LEAST_STALE_MS = 10_000;
const MISSED_SAMPLES = 3;

export interface Freshness {
  /** `stale` overrules where the value came from. */
  readonly kind: "live" | "replayed" | "known" | "stale";
  readonly ageMs: number;
}

/** *now*: ms on this browser's clock, 0 before the page runs. */
export function freshnessOf(tile: Tile, device: Device | null, now: number): Freshness {
  const ageMs = Math.max(0, now - tile.receivedAt);
  const samplingMs = (device?.figures?.sampling_interval_s ?? 0) * 1_000;
  const away = device !== null && now > 0 && presenceOf(device, now) === "OFFLINE";
  const stale = ageMs > Math.max(LEAST_STALE_MS, MISSED_SAMPLES * samplingMs);
  return { kind: stale || (away && tile.origin !== "live") ? "stale" : tile.origin, ageMs };
}
