/** Which devices the list shows: by state and by words. Pure. */

import { presenceOf, type Device } from "@/lib/store/devices";

export type DeviceState = "online" | "syncing" | "offline" | "revoked";
export type StateFilter = "all" | DeviceState;

const STATES = { ONLINE: "online", SYNCING: "syncing", OFFLINE: "offline" } as const;

/** The state to list a device under; one that was revoked is nothing else. *at*: from `useJudgingTime`. */
export function deviceState(device: Device, at: number): DeviceState {
  return device.revokedAt === null ? STATES[presenceOf(device, at)] : "revoked";
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/\s+/u).filter((word) => word !== "");
}

/** The ids of the devices that have every word of *search* in their id or version and are in *state*. */
export function matchingIds(devices: readonly Device[], search: string, state: StateFilter, at: number): readonly string[] {
  const words = wordsOf(search);
  return devices
    .filter((device) => state === "all" || deviceState(device, at) === state)
    .filter((device) => {
      const text = `${device.clientId} ${device.figures?.app_version ?? ""}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .map((device) => device.clientId);
}

/** How many devices are in each state. */
export function countStates(devices: readonly Device[], at: number): Readonly<Record<StateFilter, number>> {
  const counts = { all: devices.length, online: 0, syncing: 0, offline: 0, revoked: 0 };
  devices.forEach((device) => (counts[deviceState(device, at)] += 1));
  return counts;
}
