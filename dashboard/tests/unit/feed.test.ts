/** What a device's life does to tiles and chart: live, away, catching up, live again. */

import { expect, test } from "vitest";

import { PAYLOAD_PARSERS, type PayloadTypes } from "@/contract/payloads";
import { Feed } from "@/lib/engine/feed";
import { ChartStore } from "@/lib/store/chart";
import type { History } from "@/lib/store/series";
import { CommandStore } from "@/lib/store/commands";
import { DeviceStore } from "@/lib/store/devices";
import { ServiceStore } from "@/lib/store/services";
import { TileStore } from "@/lib/store/tiles";
import { parseLossless } from "@/lib/values/lossless";
import { FakeClock, settle } from "../support/fake-clock";

const STREAM = "01910000-0000-7000-8000-000000000001";
const OLDER = "01900000-0000-7000-8000-000000000001";

function stamp(second: number): string {
  return `2026-02-07T10:00:${String(second).padStart(2, "0")}.000Z`;
}

class World {
  readonly clock = new FakeClock(Date.parse(stamp(0)));
  readonly tiles = new TileStore(() => undefined);
  readonly devices = new DeviceStore(() => undefined);
  readonly services = new ServiceStore();
  readonly commands = new CommandStore();
  loads = 0;
  readonly chart = new ChartStore(() => this.#load(), () => this.clock.now(), () => undefined, 60_000);
  readonly feed = new Feed(this, this.clock);

  #load(): Promise<History> {
    this.loads += 1;
    return Promise.resolve({ from: 0, to: this.clock.now(), points: [], bucketMs: 0 });
  }

  reading(sequence: number, value: string, stream = STREAM): void {
    this.feed.reading(read("Reading", `{"client_id":"d1","stream":"${stream}","sequence_no":${sequence},"timestamp":"${stamp(sequence)}","metrics":{"t":${value}}}`));
  }

  batch(stream: string, ...sequences: number[]): void {
    const readings = sequences.map((each) => `{"sequence_no":${each},"timestamp":"${stamp(each)}","metrics":{"t":${each}.5}}`);
    this.feed.batch(read("ReadingBatch", `{"client_id":"d1","stream":"${stream}","readings":[${readings.join(",")}]}`));
  }

  beat(status: string, last: number, latest: string, retained = false): void {
    this.feed.heartbeat(read("Heartbeat", `{"client_id":"d1","status":"${status}","timestamp":"${stamp(last)}","stream":"${STREAM}","last_sequence_no":${last},"latest":{"t":${latest}}}`), retained);
  }

  get shown(): unknown {
    const tile = this.tiles.tile("d1", "t");
    return tile === null ? null : [tile.value, tile.origin];
  }

  get charted(): readonly bigint[] {
    return this.chart.series()[0]?.points.map((point) => point.sequence ?? -1n) ?? [];
  }
}

function read<N extends "Reading" | "ReadingBatch" | "Heartbeat">(name: N, text: string): PayloadTypes[N] {
  const found = PAYLOAD_PARSERS[name](parseLossless(text));
  if (!found.ok) {
    throw new Error(found.error);
  }
  return found.value;
}

test("syncing_device_its_tile_follows_the_heartbeat_and_replay_never_moves_it_back", () => {
  const world = new World();
  world.reading(1, "1.5");
  world.beat("SYNCING", 40, "40.5");
  expect(world.shown).toEqual([40.5, "replayed"]);
  world.batch(STREAM, 2, 3, 4);
  world.batch(OLDER, 30, 50);
  expect(world.shown).toEqual([40.5, "replayed"]);
  world.reading(41, "41.5");
  expect(world.shown).toEqual([41.5, "live"]);
});

test("online_heartbeat_leaves_tiles_to_the_live_messages", () => {
  const world = new World();
  world.reading(1, "1.5");
  world.beat("ONLINE", 2, "2.5");
  expect(world.shown).toEqual([1.5, "live"]);
});

test("retained_heartbeat_shows_the_last_known_value_until_something_live_comes", () => {
  const world = new World();
  world.beat("ONLINE", 7, "7.5", true);
  expect(world.shown).toEqual([7.5, "known"]);
  world.reading(8, "8.5");
  expect(world.shown).toEqual([8.5, "live"]);
});

test("replayed_batches_fill_the_chart_in_order", () => {
  const world = new World();
  world.reading(1, "1.5");
  world.chart.toggle({ clientId: "d1", metric: "t" }, world.tiles.tile("d1", "t")?.recent.toArray() ?? []);
  world.reading(5, "5.5");
  world.batch(STREAM, 2, 3, 4);
  expect(world.charted).toEqual([1n, 2n, 3n, 4n, 5n]);
});

test("chart_history_that_comes_late_is_joined_to_what_was_live_meanwhile", async () => {
  const world = new World();
  const points = [1, 2, 3].map((each) => ({ at: Date.parse(stamp(each)), value: each, stream: STREAM, sequence: BigInt(each) }));
  const chart = new ChartStore(() => Promise.resolve({ from: 0, to: world.clock.now(), points, bucketMs: 0 }), () => world.clock.now(), () => undefined, 60_000);
  chart.toggle({ clientId: "d1", metric: "t" }, []);
  chart.offer("d1", new Map([["t", 3]]), Date.parse(stamp(3)), STREAM, 3n);
  chart.offer("d1", new Map([["t", 4]]), Date.parse(stamp(4)), STREAM, 4n);
  await settle();
  expect(chart.series()[0]?.points.map((point) => point.sequence)).toEqual([1n, 2n, 3n, 4n]);
  expect(chart.series()[0]?.loading).toBe(false);
});

test("chart_history_that_cannot_be_loaded_says_so_and_live_goes_on", async () => {
  const chart = new ChartStore(() => Promise.reject(new Error("away")), () => 0, () => undefined, 60_000);
  chart.toggle({ clientId: "d1", metric: "t" }, []);
  await settle();
  chart.offer("d1", new Map([["t", 4]]), 4, STREAM, 4n);
  expect(chart.series()[0]).toMatchObject({ trouble: "away", loading: false });
  expect(chart.series()[0]?.points).toHaveLength(1);
});

test("chart_live_part_is_bounded_and_asks_the_archive_when_full", () => {
  const world = new World();
  world.chart.toggle({ clientId: "d1", metric: "t" }, []);
  const before = world.loads;
  for (let each = 1; each <= 6_001; each += 1) {
    world.chart.offer("d1", new Map([["t", each]]), each, STREAM, BigInt(each));
  }
  expect(world.loads).toBe(before + 1);
});

test("flushed_device_its_charts_are_read_anew", async () => {
  const world = new World();
  world.chart.toggle({ clientId: "d1", metric: "t" }, []);
  await settle();
  world.beat("SYNCING", 9, "9.5");
  const before = world.loads;
  world.beat("ONLINE", 10, "10.5");
  expect(world.loads).toBe(before + 1);
});

test("chart_zoom_asks_for_the_stretch_and_the_way_back_is_step_by_step", async () => {
  const asked: [number, number][] = [];
  const chart = new ChartStore((_chosen, span) => {
    asked.push([span.from, span.to]);
    return Promise.resolve({ ...span, points: [], bucketMs: 0 });
  }, () => 100_000, () => undefined, 60_000);
  chart.toggle({ clientId: "d1", metric: "t" }, []);
  await settle();
  chart.zoom({ from: 50_000, to: 60_000 });
  chart.zoom({ from: 52_000, to: 53_000 });
  await settle();
  expect(asked).toEqual([[40_000, 100_000], [50_000, 60_000], [52_000, 53_000]]);
  chart.zoomOut();
  expect(chart.view.get().paused).toEqual({ from: 50_000, to: 60_000 });
  chart.zoomOut();
  expect(chart.view.get()).toMatchObject({ paused: null, behind: [] });
});

test("chart_seam_between_history_and_live_part_is_asked_for_again", async () => {
  let now = 10_000;
  let loads = 0;
  const point = (sequence: number): { at: number; value: number; stream: string; sequence: bigint } => ({ at: sequence * 1_000, value: 1, stream: STREAM, sequence: BigInt(sequence) });
  const chart = new ChartStore((_chosen, span) => {
    loads += 1;
    return Promise.resolve({ ...span, points: (loads === 1 ? [8, 9] : [8, 9, 10]).map(point), bucketMs: 0 });
  }, () => now, () => undefined, 60_000);
  chart.toggle({ clientId: "d1", metric: "t" }, []);
  await settle();
  chart.offer("d1", new Map([["t", 1]]), 11_000, STREAM, 11n);
  expect(loads).toBe(1);
  now = 14_000;
  chart.offer("d1", new Map([["t", 1]]), 12_000, STREAM, 12n);
  await settle();
  expect(loads).toBe(2);
  expect(chart.series()[0]?.points.map((each) => Number(each.sequence))).toEqual([8, 9, 10, 11, 12]);
});
