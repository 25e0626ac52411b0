/** Which devices have applied the settings, judged by what their heartbeats say. Pure. */

import { KNOWN } from "@/features/settings/known";
import type { Json, Setting } from "@/lib/api/config";
import type { Device, Presence } from "@/lib/store/devices";

/** `waiting`: it is there and has not said so yet; `away`: it is not there and follows when it is back. */
export type Applied = "applied" | "waiting" | "away";

export function appliedBy(device: Device, version: number, presence: Presence | null): Applied {
  const said = device.figures?.config_version ?? null;
  if (said !== null && said >= version) {
    return "applied";
  }
  return presence === "OFFLINE" ? "away" : "waiting";
}

/** `Applied by 5 of 6 devices`, and who is missing and why. */
export interface AppliedSummary {
  readonly applied: number;
  readonly of: number;
  readonly waiting: readonly string[];
  readonly away: readonly string[];
}

export function summaryOf(devices: readonly Device[], version: number, presence: (device: Device) => Presence | null): AppliedSummary {
  const states = devices.map((device) => ({ id: device.clientId, state: appliedBy(device, version, presence(device)) }));
  const named = (state: Applied): readonly string[] => states.filter((each) => each.state === state).map((each) => each.id);
  return { applied: named("applied").length, of: states.length, waiting: named("waiting"), away: named("away") };
}

/** The value that counts on a device, and where it comes from. */
export interface InForce {
  readonly value: Json;
  readonly from: "device" | "all" | "default";
}

export function inForce(key: string, own: Setting | undefined, ofAll: Setting | undefined): InForce {
  if (own !== undefined) {
    return { value: own.value, from: "device" };
  }
  return ofAll === undefined ? { value: KNOWN.find((each) => each.key === key)?.rule.initial, from: "default" } : { value: ofAll.value, from: "all" };
}

/** What a device says it runs with; `null` for keys that heartbeats do not carry, and before the first one. */
export function runningWith(key: string, device: Device | null): number | null {
  switch (key) {
    case "sampling_interval":
      return device?.figures?.sampling_interval_s ?? null;
    case "heartbeat_interval":
      return device?.figures?.heartbeat_interval_s ?? null;
    default:
      return null;
  }
}
