import { expect, test } from "vitest";

import { ObservedApi } from "@/lib/api/observed";
import { ApiProblem } from "@/lib/api/problem";
import { HIDDEN_LIMIT_MS, Refetcher } from "@/lib/engine/refetch";
import { BrokerLink } from "@/lib/mqtt/link";
import { ChartStore } from "@/lib/store/chart";
import { CommandStore } from "@/lib/store/commands";
import { DeviceStore } from "@/lib/store/devices";
import { ServiceStore } from "@/lib/store/services";
import { statusOf } from "@/lib/store/status";
import { TileStore } from "@/lib/store/tiles";
import { TroubleStore } from "@/lib/store/troubles";
import { FakeClock, settle } from "../support/fake-clock";
import { FakeApi } from "../support/requests";

class World {
  readonly clock = new FakeClock();
  readonly fake = new FakeApi();
  readonly api = new ObservedApi(this.fake.send, this.clock);
  readonly tiles = new TileStore(() => undefined);
  readonly devices = new DeviceStore(() => undefined);
  readonly services = new ServiceStore();
  readonly commands = new CommandStore();
  readonly troubles = new TroubleStore();
  readonly chart = new ChartStore((_chosen, span) => Promise.resolve({ ...span, points: [], bucketMs: 0 }), () => this.clock.now(), () => undefined, 60_000);
  pings = 0;
  readonly link = new BrokerLink({
    clock: this.clock,
    random: () => 0.5,
    fetchToken: () => Promise.resolve({ clientId: "web:1", username: "u", password: "t", wsUrl: "ws://x", fetchedAt: this.clock.now(), expiresAt: this.clock.now() + 900_000 }),
    open: (_token, _filters, events) => {
      queueMicrotask(() => events.onUp());
      return { subscribe: () => undefined, unsubscribe: () => undefined, ping: () => (this.pings += 1), publish: () => Promise.resolve(), close: () => undefined };
    },
    onState: () => undefined,
    onMessage: (_message, done) => done(),
  });
  readonly refetcher = new Refetcher(this, this.clock);

  constructor() {
    this.fake.replies.set("GET /devices", { items: [{ client_id: "d1", enrolled_at: "2026-02-07T10:00:00.000Z", status: "ONLINE" }], next: null });
    this.fake.replies.set("GET /telemetry/latest", { items: [], next: null });
  }

  away(): void {
    this.fake.replies.set("GET /devices", new ApiProblem(503, "", "away"));
  }

  get connection(): string {
    return statusOf(this.link.state, true, this.refetcher.busy.get()).connection;
  }
}

async function online(): Promise<World> {
  const world = new World();
  world.link.start([]);
  await settle();
  return world;
}

test("refetch_is_amber_until_the_lists_are_there", async () => {
  const world = await online();
  world.refetcher.refetch();
  expect(world.connection).toBe("syncing");
  await settle();
  expect(world.connection).toBe("online");
  expect(world.devices.all().map((device) => device.clientId)).toEqual(["d1"]);
});

test("refetch_failed_stands_as_a_banner_until_it_works_and_the_broker_stays_green", async () => {
  const world = await online();
  world.away();
  world.refetcher.refetch();
  await settle();
  expect(world.troubles.all.get().map((trouble) => trouble.id)).toEqual(["api"]);
  expect(world.connection).toBe("online");
  await world.clock.advance(5_000);
  expect(world.troubles.all.get()).toHaveLength(1);
  world.fake.replies.set("GET /devices", { items: [], next: null });
  await world.clock.advance(11_000);
  expect(world.troubles.all.get()).toEqual([]);
});

test("apiLost_asks_until_the_api_is_back", async () => {
  const world = await online();
  world.refetcher.apiLost();
  expect(world.troubles.all.get()).toHaveLength(1);
  await world.clock.advance(2_000);
  expect(world.troubles.all.get()).toEqual([]);
});

test("tab_that_was_hidden_for_long_checks_the_connection_and_refetches_before_it_is_green", async () => {
  const world = await online();
  world.refetcher.visibilityChanged(true);
  await world.clock.advance(HIDDEN_LIMIT_MS + 1_000);
  world.refetcher.visibilityChanged(false);
  expect(world.connection).toBe("syncing");
  expect(world.pings).toBe(1);
  expect(world.fake.count("/devices")).toBe(0);
  await settle();
  expect(world.fake.count("/devices")).toBe(1);
});

test("tab_that_was_hidden_for_a_moment_just_goes_on", async () => {
  const world = await online();
  world.refetcher.visibilityChanged(true);
  await world.clock.advance(1_000);
  world.refetcher.visibilityChanged(false);
  expect(world.connection).toBe("online");
});

test("answer_for_a_person_who_has_left_changes_nothing", async () => {
  const world = await online();
  world.refetcher.refetch();
  world.refetcher.stop();
  await settle();
  expect(world.devices.all()).toEqual([]);
});
