/** Which tiles stand where, how current they are, what is remembered, and what the buffer panel says. */

import { expect, test } from "vitest";

import { bufferState } from "@/features/live/buffer-state";
import { freshnessOf } from "@/features/live/freshness";
import { MOST_PINS, PinStore, type PinStorage } from "@/features/live/pins";
import { arrange } from "@/features/live/tile-groups";
import type { Device } from "@/lib/store/devices";
import type { Tile } from "@/lib/store/tiles";

const INDEX = [{ clientId: "kiln", metrics: ["a", "b"] }, { clientId: "press", metrics: ["a"] }];

function memory(first: string | null = null): PinStorage & { text: string | null } {
  return {
    text: first,
    getItem() { return this.text; },
    setItem(_key, text) { this.text = text; },
  };
}

test("arrange_pinned_tile_stands_once_before_its_device_and_the_filter_holds_for_it_too", () => {
  const pins = [{ clientId: "kiln", metric: "a" }, { clientId: "gone", metric: "a" }];
  expect(arrange(INDEX, pins, "")).toEqual({ pinned: [pins[0]], groups: [{ clientId: "kiln", metrics: ["b"] }, INDEX[1]], count: 3 });
  expect(arrange(INDEX, pins, "PRESS a")).toEqual({ pinned: [], groups: [INDEX[1]], count: 1 });
});

test("pins_are_remembered_bounded_and_taken_off_again", () => {
  const storage = memory();
  const store = new PinStore("1", storage);
  for (let index = 0; index <= MOST_PINS; index += 1) {
    store.toggle({ clientId: "kiln", metric: String(index) });
  }
  store.toggle({ clientId: "kiln", metric: "5" });
  const read = new PinStore("1", storage).all.get();
  expect(read).toHaveLength(MOST_PINS - 1);
  expect(read.some((each) => each.metric === "5")).toBe(false);
});

test.each(["nonsense", "{}", "[1, [2, 3], null]", null])("pins_from_a_storage_with_%s_are_none", (text) => {
  expect(new PinStore("1", memory(text)).all.get()).toEqual([]);
});

test.each([
  ["within three samples", 1_000, "ONLINE", true, 2_900, "live"],
  ["after three samples", 2_000, "ONLINE", true, 6_100, "stale"],
  ["of a device that is away", 60_000, "OFFLINE", true, 180_100, "stale"],
  ["while the browser is cut off", 1_000, "ONLINE", false, 100, "stale"],
] as const)("freshness_%s", (_case, samplingMs, presence, connected, age, expected) => {
  const tile = { origin: "live", receivedAt: 1_000 } as Tile;
  expect(freshnessOf(tile, { samplingMs, presence, connected }, 1_000 + age)).toBe(expected);
});

test.each([
  ["a device whose readings are on their way", {}, 1_000, null],
  ["a device that is away, as an estimate", {}, 60_000, { waiting: 63, estimated: true, presence: "OFFLINE" }],
  ["an online device whose archive stands still", { oldest_pending_at: new Date(0).toISOString() }, 15_000, { waiting: 3, estimated: false }],
  ["a device with rows set aside", { pending: 0, quarantined: 2 }, 1_000, { waiting: 0, setAside: 2 }],
  ["a device whose buffer is nearly full", { buffer_used_pct: 81 }, 1_000, { usedPct: 81 }],
] as const)("buffer_state_of_%s", (_case, changes, now, expected) => {
  const figures = { pending: 3, quarantined: 0, sampling_interval_s: 1, heartbeat_interval_s: 5, buffer_used_pct: 1, oldest_pending_at: null, pending_sample: null, ...changes };
  const device = { clientId: "d", said: "ONLINE", heardAt: 0, figures, enrolledAt: null, revokedAt: null } as unknown as Device;
  const state = bufferState(device, now);
  if (expected === null) {
    expect(state).toBeNull();
  } else {
    expect(state).toMatchObject(expected);
  }
});
