/** What the panel of offline buffers says of one device; pure. */

import type { PendingSample } from "@/contract/payloads";
import { bufferOf, presenceOf, type Device, type Presence } from "@/lib/store/devices";
import { timeOf } from "@/lib/time/clock";

/** Readings of the last moments are on their way; a device has a backlog when its oldest one has waited longer. */
const ON_ITS_WAY_MS = 10_000;
export const NEARLY_FULL_PCT = 80;
export const ALMOST_FULL_PCT = 95;

export interface BufferState {
  readonly clientId: string;
  readonly presence: Presence;
  readonly waiting: number;
  /** Whether `waiting` is an estimate: the device is away. */
  readonly estimated: boolean;
  readonly setAside: number;
  readonly usedPct: number | null;
  /** When the oldest waiting reading was measured, in ms. */
  readonly oldestAt: number | null;
  /** The oldest waiting readings, while the device is flushing. */
  readonly rows: readonly PendingSample[];
}

/** `null` when there is nothing to say: all is archived and there is room. */
export function bufferState(device: Device, now: number): BufferState | null {
  const buffered = bufferOf(device, now);
  if (device.revokedAt !== null || device.figures === null || buffered === null) {
    return null;
  }
  const { quarantined, buffer_used_pct: usedPct, oldest_pending_at, pending_sample } = device.figures;
  const state: BufferState = {
    clientId: device.clientId,
    presence: presenceOf(device, now),
    waiting: buffered.count,
    estimated: buffered.estimated,
    setAside: quarantined ?? 0,
    usedPct,
    oldestAt: timeOf(oldest_pending_at),
    rows: buffered.count === 0 ? [] : (pending_sample ?? []),
  };
  return isWorthSaying(state, now) ? state : null;
}

function isWorthSaying({ presence, waiting, setAside, usedPct, oldestAt }: BufferState, now: number): boolean {
  const waitsForLong = oldestAt !== null && now - oldestAt > ON_ITS_WAY_MS;
  return setAside > 0 || (usedPct ?? 0) >= NEARLY_FULL_PCT || (waiting > 0 && (presence !== "ONLINE" || waitsForLong));
}
