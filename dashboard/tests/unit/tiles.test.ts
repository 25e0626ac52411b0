import { afterEach, expect, test, vi } from "vitest";

import type { MetricValue } from "@/contract/payloads";
import { SPARK_POINTS, TileStore, type Origin } from "@/lib/store/tiles";

const STREAM = "01910000-0000-7000-8000-000000000001";
const DEVICE = "press-04";

afterEach(() => {
  vi.useRealTimers();
});

class Frames {
  #runs: (() => void)[] = [];
  readonly next = (run: () => void): void => void this.#runs.push(run);
  get planned(): number {
    return this.#runs.length;
  }
  draw(): void {
    const runs = this.#runs;
    this.#runs = [];
    runs.forEach((run) => run());
  }
}

function offer(store: TileStore, sequence: number, metrics: Record<string, MetricValue>, origin: Origin = "live", receivedAt = 0): void {
  const position = { stream: STREAM, sequence: BigInt(sequence), recordedAt: sequence * 1_000 };
  store.offer({ clientId: DEVICE, metrics: new Map(Object.entries(metrics)), position, origin, receivedAt }, STREAM);
}

test("offer_largest_integer_stands_exactly_with_its_exact_step", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 1, { total: 9223372036854775806n });
  offer(store, 2, { total: 9223372036854775807n });
  expect(store.tile(DEVICE, "total")).toMatchObject({ value: 9223372036854775807n, delta: 1n, direction: "up" });
});

test("offer_sample_that_came_twice_over_two_connections_changes_nothing", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 1, { t: 1.5 });
  offer(store, 2, { t: 2.5 });
  const before = store.tile(DEVICE, "t");
  offer(store, 2, { t: 2.5 });
  expect(store.tile(DEVICE, "t")).toBe(before);
});

test("offer_older_sample_never_moves_a_tile_backwards", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 9, { t: 9.5 });
  offer(store, 4, { t: 4.5 }, "replayed");
  expect(store.tile(DEVICE, "t")).toMatchObject({ value: 9.5, origin: "live" });
});

test("offer_same_value_again_renews_the_age_without_a_flash", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 1, { t: 1.5 });
  offer(store, 2, { t: 1.5 });
  expect(store.tile(DEVICE, "t")).toMatchObject({ flashes: 0, direction: "none" });
  expect(store.tile(DEVICE, "t")?.position.sequence).toBe(2n);
});

test.each([
  [1_000, 5],
  [100, 1],
])("offer_changes_every_%i_ms_flash_%i_times_of_five", (everyMs, flashes) => {
  const store = new TileStore(new Frames().next);
  for (let number = 0; number <= 5; number += 1) {
    offer(store, number + 1, { t: number + 0.5 }, "live", number * everyMs);
  }
  expect(store.tile(DEVICE, "t")).toMatchObject({ value: 5.5, flashes });
});

test("offer_integer_then_double_of_the_same_size_counts_as_a_change_of_kind", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 1, { t: 72n });
  offer(store, 2, { t: 72 });
  expect(store.tile(DEVICE, "t")).toMatchObject({ value: 72, flashes: 1, direction: "none" });
});

test("readers_are_told_once_a_frame_however_much_has_changed", () => {
  const frames = new Frames();
  const store = new TileStore(frames.next);
  let told = 0;
  store.subscribe(DEVICE, "t", () => (told += 1));
  for (let sequence = 1; sequence <= 500; sequence += 1) {
    offer(store, sequence, { t: sequence + 0.5 });
  }
  expect(frames.planned).toBe(1);
  expect(told).toBe(0);
  frames.draw();
  expect(told).toBe(1);
});

test("readers_are_told_of_a_tile_twelve_times_a_second_at_most_and_of_its_last_value", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const frames = new Frames();
  const store = new TileStore(frames.next);
  const seen: unknown[] = [];
  store.subscribe(DEVICE, "t", () => seen.push(store.tile(DEVICE, "t")?.value));
  for (let frame = 0; frame < 60; frame += 1) {
    offer(store, frame + 1, { t: frame + 0.5 });
    frames.draw();
    vi.advanceTimersByTime(16);
  }
  expect(seen).toHaveLength(12);
  for (let frame = 0; frame < 5; frame += 1) {
    frames.draw();
    vi.advanceTimersByTime(16);
  }
  expect(seen.at(-1)).toBe(59.5);
  expect(frames.planned).toBe(0);
});

test("recent_points_are_bounded_and_the_newest", () => {
  const store = new TileStore(new Frames().next);
  for (let sequence = 1; sequence <= 3 * SPARK_POINTS + 7; sequence += 1) {
    offer(store, sequence, { t: sequence + 0.5 });
  }
  const recent = store.tile(DEVICE, "t")?.recent.toArray() ?? [];
  expect(recent).toHaveLength(SPARK_POINTS);
  expect(recent.map((each) => each.sequence)).toEqual(Array.from({ length: SPARK_POINTS }, (_, index) => BigInt(2 * SPARK_POINTS + 8 + index)));
});

test("fillRecent_puts_the_archive_before_what_was_seen_live_each_once", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 3, { t: 3.5 });
  offer(store, 4, { t: 4.5 });
  store.fillRecent(DEVICE, "t", [1, 2, 3].map((each) => ({ at: each * 1_000, value: each + 0.5, stream: STREAM, sequence: BigInt(each) })));
  expect(store.tile(DEVICE, "t")?.recent.toArray().map((each) => each.sequence)).toEqual([1n, 2n, 3n, 4n]);
});

test("more_metrics_than_memory_allows_are_refused_and_counted", () => {
  const store = new TileStore(new Frames().next);
  for (let device = 0; device < 20; device += 1) {
    const metrics = new Map<string, MetricValue>(Array.from({ length: 256 }, (_, index) => [`m${index}`, 1n]));
    const position = { stream: STREAM, sequence: 1n, recordedAt: 1 };
    store.offer({ clientId: `device-${device}`, metrics, position, origin: "live", receivedAt: 0 }, null);
  }
  expect(store.refused).toBe(20 * 256 - 4_096);
});

test("index_groups_metrics_by_device_in_order", () => {
  const store = new TileStore(new Frames().next);
  offer(store, 1, { b: 1n, a: 1n });
  expect(store.index()).toEqual([{ clientId: DEVICE, metrics: ["a", "b"] }]);
});
