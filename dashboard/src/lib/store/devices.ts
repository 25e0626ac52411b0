/**
 * Presence and figures of every device: from `GET /devices` at load, from heartbeats since.
 *
 * Presence is judged by the age of heartbeats received here, never by a retained one, which only brings figures
 * (failure case 32: a will may be missing); but a retained OFFLINE is a device's last word, for its return would have
 * replaced it. A will changes the status alone; the last figures stay. Times are on
 * this browser's clock. `presenceOf` and `bufferOf` are pure, so the screen can ask anew each second.
 */

import type { Heartbeat } from "@/contract/payloads";
import { FrameNotifier, type NextFrame } from "@/lib/store/frame";
import type { Unsubscribe } from "@/lib/store/value-store";
import { timeOf } from "@/lib/time/clock";

const DEFAULT_INTERVAL_S = 5;
const MISSED_BEATS = 3;
const MOST_DEVICES = 2_000;
const ALL = "*";

export type Presence = "ONLINE" | "SYNCING" | "OFFLINE";

export interface Device {
  readonly clientId: string;
  /** What the device or its will said last; ask `presenceOf` for what to show. */
  readonly said: Presence;
  /** When a heartbeat was last received, here or by the server, in ms; `null` when never. */
  readonly heardAt: number | null;
  /** The last heartbeat that carried figures. */
  readonly figures: Heartbeat | null;
  readonly enrolledAt: number | null;
  readonly revokedAt: number | null;
}

/** What the list of devices says of one. */
export type ListedDevice = Omit<Device, "said"> & { readonly said: Presence };

export interface Buffered {
  readonly count: number;
  /** True for a device that is away: its last figure plus what it has probably produced since. */
  readonly estimated: boolean;
}

export function intervalOf(device: Device): number {
  return (device.figures?.heartbeat_interval_s ?? DEFAULT_INTERVAL_S) || DEFAULT_INTERVAL_S;
}

/** The presence to show at *now*: three intervals without a heartbeat are OFFLINE. */
export function presenceOf(device: Device, now: number): Presence {
  const silentMs = device.heardAt === null ? Infinity : now - device.heardAt;
  return silentMs > MISSED_BEATS * intervalOf(device) * 1_000 ? "OFFLINE" : device.said;
}

/** Buffered records at *now*; `null` when the device has never said. */
export function bufferOf(device: Device, now: number): Buffered | null {
  const pending = device.figures?.pending ?? null;
  if (pending === null) {
    return null;
  }
  const sampling = device.figures?.sampling_interval_s ?? 0;
  if (presenceOf(device, now) !== "OFFLINE" || device.heardAt === null || sampling <= 0) {
    return { count: pending, estimated: false };
  }
  return { count: pending + Math.floor((now - device.heardAt) / 1_000 / sampling), estimated: true };
}

/** The device's present stream, as far as its heartbeats say. */
export function currentStreamOf(device: Device | null): string | null {
  return device?.figures?.stream ?? null;
}

export class DeviceStore {
  readonly #frames: FrameNotifier;
  readonly #listFrames: FrameNotifier;
  readonly #devices = new Map<string, Device>();
  /** When a device's OFFLINE was heard here: the server may hear of it a little later than this page. */
  readonly #goneAt = new Map<string, number>();
  #list: readonly Device[] = [];
  #stale = false;

  /** *listFrame*: when readers of the whole list are told; with many devices something in it changes all the time. */
  constructor(nextFrame: NextFrame, listFrame: NextFrame = nextFrame) {
    this.#frames = new FrameNotifier(nextFrame);
    this.#listFrames = new FrameNotifier(listFrame);
  }

  /** Takes a heartbeat. *retained*: it may be old, so it says nothing about presence. Returns the device before and after. */
  hear(beat: Heartbeat, retained: boolean, now: number): { readonly before: Device | null; readonly after: Device } {
    const before = this.#devices.get(beat.client_id) ?? null;
    const isWill = beat.timestamp === null;
    const known = before ?? this.#unknown(beat);
    if (beat.status === "OFFLINE") {
      this.#goneAt.set(beat.client_id, now);
    } else if (!retained) {
      this.#goneAt.delete(beat.client_id);
    }
    const keepFigures = isWill || (retained && isOlder(beat, known.figures));
    const after: Device = {
      ...known,
      said: retained && before !== null && beat.status !== "OFFLINE" ? known.said : beat.status,
      heardAt: isWill || retained ? known.heardAt : now,
      figures: keepFigures ? known.figures : beat,
    };
    this.#put(after);
    return { before, after };
  }

  /** Takes the server's list; what heartbeats have said since is newer and stays. */
  list(listed: readonly ListedDevice[]): void {
    for (const each of listed) {
      const known = this.#devices.get(each.clientId);
      const heardHere = known?.heardAt != null && known.heardAt >= (each.heardAt ?? 0);
      const isGone = (this.#goneAt.get(each.clientId) ?? -Infinity) >= (each.heardAt ?? 0);
      const { enrolledAt, revokedAt } = each;
      this.#put(known !== undefined && heardHere ? { ...known, enrolledAt, revokedAt } : { ...each, said: isGone ? "OFFLINE" : each.said });
    }
    const listedIds = new Set(listed.map((each) => each.clientId));
    [...this.#devices.values()]
      .filter((each) => each.enrolledAt !== null && !listedIds.has(each.clientId))
      .forEach((each) => this.#remove(each.clientId));
  }

  readonly all = (): readonly Device[] => {
    if (this.#stale) {
      this.#stale = false;
      this.#list = [...this.#devices.values()].sort((left, right) => left.clientId.localeCompare(right.clientId));
    }
    return this.#list;
  };

  readonly one = (clientId: string): Device | null => this.#devices.get(clientId) ?? null;

  readonly subscribe = (run: () => void): Unsubscribe => this.#listFrames.subscribe(ALL, run);

  readonly subscribeOne = (clientId: string, run: () => void): Unsubscribe => this.#frames.subscribe(clientId, run);

  clear(): void {
    [...this.#devices.keys()].forEach((clientId) => this.#remove(clientId));
  }

  #unknown(beat: Heartbeat): Device {
    return { clientId: beat.client_id, said: beat.status, heardAt: null, figures: null, enrolledAt: null, revokedAt: null };
  }

  #put(device: Device): void {
    if (this.#devices.has(device.clientId) || this.#devices.size < MOST_DEVICES) {
      this.#devices.set(device.clientId, device);
      this.#touch(device.clientId);
    }
  }

  #remove(clientId: string): void {
    this.#goneAt.delete(clientId);
    this.#devices.delete(clientId);
    this.#touch(clientId);
  }

  #touch(clientId: string): void {
    this.#stale = true;
    this.#listFrames.mark(ALL);
    this.#frames.mark(clientId);
  }
}

function isOlder(beat: Heartbeat, figures: Heartbeat | null): boolean {
  return (timeOf(beat.timestamp) ?? 0) <= (timeOf(figures?.timestamp ?? null) ?? -1);
}
