/** Which settings a device should have, and whether it has applied them. Pure. */

import type { DeviceSettings } from "@/lib/api/devices";
import { exactText } from "@/lib/values/exact";
import { writeLossless } from "@/lib/values/lossless";

/** Shown also while nobody has set them, since heartbeats tell what is in force. */
export const SAMPLING = "sampling_interval";
export const HEARTBEAT = "heartbeat_interval";

export type SettingSource = "device" | "all" | "default";

export interface DesiredSetting {
  readonly key: string;
  /** `undefined`: nobody has set it, so the device's own default counts. */
  readonly value: unknown;
  readonly source: SettingSource;
}

/** Whether the device has not applied the newest change yet; one that has never said a version has applied none. */
export function isBehind(applied: number | null, newest: bigint): boolean {
  return BigInt(applied ?? 0) < newest;
}

/** What counts for a device: its own setting goes before that of all. By key. */
export function desiredSettings(own: DeviceSettings, all: DeviceSettings): readonly DesiredSetting[] {
  const found = new Map<string, DesiredSetting>([SAMPLING, HEARTBEAT].map((key) => [key, { key, value: undefined, source: "default" }]));
  all.items.forEach(({ key, value }) => found.set(key, { key, value, source: "all" }));
  own.items.forEach(({ key, value }) => found.set(key, { key, value, source: "device" }));
  return [...found.values()].sort((left, right) => left.key.localeCompare(right.key));
}

/** Any JSON value on one line; whole numbers keep every digit. */
export function settingText(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  return typeof value === "bigint" || typeof value === "number" ? exactText(value).replace(/\.0$/u, "") : writeLossless(value);
}

/** Whether what a heartbeat says is in force is another number than the desired one. */
export function differs(desired: unknown, inForce: number | null): boolean {
  return inForce !== null && (typeof desired === "number" || typeof desired === "bigint") && Number(desired) !== inForce;
}
