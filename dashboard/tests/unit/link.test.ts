import { expect, test } from "vitest";

import { TokenDenied, type BrokerToken } from "@/lib/api/broker-token";
import type { Connection, ConnectionEvents } from "@/lib/mqtt/connection";
import { BrokerLink, CONNECT_LIMIT_MS, PROBE_LIMIT_MS, SILENCE_LIMIT_MS, type LinkPhase } from "@/lib/mqtt/link";
import type { Message } from "@/lib/mqtt/read-message";
import { FakeClock, settle } from "../support/fake-clock";

const LIFE_MS = 15 * 60_000;
const FILTERS = ["telemetry/+/live", "heartbeat/+"];

class FakeConnection implements Connection {
  closed = false;
  pings = 0;
  readonly subscribed: string[];

  constructor(readonly token: BrokerToken, filters: readonly string[], readonly events: ConnectionEvents<Message>) {
    this.subscribed = [...filters];
  }
  subscribe(filters: readonly string[]): void {
    this.subscribed.push(...filters);
  }
  unsubscribe(filters: readonly string[]): void {
    filters.forEach((each) => this.subscribed.splice(this.subscribed.indexOf(each), 1));
  }
  readonly published: string[] = [];
  async publish(topic: string): Promise<void> {
    await Promise.resolve();
    this.published.push(topic);
  }
  ping(): void {
    this.pings += 1;
  }
  close(): void {
    this.closed = true;
  }
}

/** A link with everything around it faked; `random` 0.5 makes waits half their ceiling and renewal exactly 80 %. */
class World {
  readonly clock = new FakeClock();
  readonly connections: FakeConnection[] = [];
  readonly phases: LinkPhase[] = [];
  readonly received: string[] = [];
  tokens = 0;
  tokenFailure: Error | null = null;
  readonly link = new BrokerLink({
    clock: this.clock,
    random: () => 0.5,
    fetchToken: () => this.#token(),
    open: (token, filters, events) => {
      const made = new FakeConnection(token, filters, events);
      this.connections.push(made);
      return made;
    },
    onState: (state) => this.phases.push(state.phase),
    onMessage: (message, done) => {
      this.received.push(message.kind);
      done();
    },
  });

  #token(): Promise<BrokerToken> {
    if (this.tokenFailure !== null) {
      return Promise.reject(this.tokenFailure);
    }
    this.tokens += 1;
    const fetchedAt = this.clock.now();
    return Promise.resolve({ clientId: `web:${this.tokens}`, username: "user:a", password: "t", wsUrl: "ws://x", fetchedAt, expiresAt: fetchedAt + LIFE_MS });
  }

  get last(): FakeConnection {
    const found = this.connections.at(-1);
    if (found === undefined) {
      throw new Error("no connection was opened");
    }
    return found;
  }

  get open(): FakeConnection[] {
    return this.connections.filter((each) => !each.closed);
  }

  async online(): Promise<void> {
    this.link.start(FILTERS);
    await settle();
    this.last.events.onUp();
  }

  /** Lets time pass while the broker speaks every 5 s, as heartbeats and statuses do. */
  async alive(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5_000) {
      await this.clock.advance(Math.min(5_000, left));
      this.open.forEach((each) => each.events.onPacket());
    }
  }
}

test("start_connects_and_is_online_once_subscribed", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await settle();
  expect(world.link.state.phase).toBe("connecting");
  expect(world.last.subscribed).toEqual(FILTERS);
  world.last.events.onUp();
  expect(world.link.state.phase).toBe("online");
});

test("renewal_at_80_percent_opens_the_second_connection_before_closing_the_first", async () => {
  const world = new World();
  await world.online();
  await world.alive(LIFE_MS * 0.8 - 5_000);
  expect(world.connections).toHaveLength(1);
  await world.alive(10_000);
  expect(world.open.map((each) => each.token.clientId)).toEqual(["web:1", "web:2"]);
  expect(world.link.state.phase).toBe("online");
  world.last.events.onUp();
  expect(world.open.map((each) => each.token.clientId)).toEqual(["web:2"]);
});

test("filter_that_needs_another_token_is_subscribed_by_a_second_connection_with_a_fresh_one", async () => {
  const world = new World();
  await world.online();
  const first = world.last;
  world.link.renewWith([...FILTERS, "audit/command"]);
  await settle();
  expect(world.tokens).toBe(2);
  expect(first.subscribed).not.toContain("audit/command");
  expect(world.last.subscribed).toContain("audit/command");
  expect(first.closed).toBe(false);
  world.last.events.onUp();
  expect(first.closed).toBe(true);
  await world.alive(LIFE_MS * 0.8 - 10_000);
  expect(world.tokens).toBe(2); // the renewal that was planned before is forgotten
});

test("filter_that_needs_another_token_has_it_at_the_next_try_when_there_is_no_connection", async () => {
  const world = new World();
  await world.online();
  world.last.events.onEnd("lost", "");
  world.link.renewWith([...FILTERS, "audit/command"]);
  await world.clock.advance(60_000);
  expect(world.tokens).toBe(2);
  expect(world.last.subscribed).toContain("audit/command");
});

test("filter_that_needs_another_token_is_not_forgotten_while_a_connection_is_being_opened", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await settle();
  world.link.renewWith([...FILTERS, "audit/command"]);
  world.last.events.onUp();
  await world.alive(5_000);
  expect(world.tokens).toBe(2);
  expect(world.last.subscribed).toContain("audit/command");
});

test("renewal_never_shows_anything_but_online", async () => {
  const world = new World();
  await world.online();
  world.phases.length = 0;
  for (let hour = 0; hour < 4; hour += 1) {
    await world.alive(LIFE_MS * 0.8 + 5_000);
    world.last.events.onUp();
  }
  expect(new Set(world.phases)).toEqual(new Set(["online"]));
  expect(world.tokens).toBe(5);
  expect(world.open).toHaveLength(1);
});

test("renewal_both_connections_deliver_meanwhile", async () => {
  const world = new World();
  await world.online();
  await world.alive(LIFE_MS * 0.8 + 5_000);
  const message: Message = { kind: "unfit", why: "nothing here reads it" };
  let acknowledged = 0;
  world.open.forEach((each) => each.events.onMessage(message, () => (acknowledged += 1)));
  expect(world.received).toHaveLength(2);
  expect(acknowledged).toBe(2);
});

test("renewal_that_fails_leaves_the_first_connection_and_is_tried_again_before_it_expires", async () => {
  const world = new World();
  await world.online();
  world.tokenFailure = new Error("no network");
  await world.alive(LIFE_MS * 0.8 + 10_000);
  expect(world.link.state.phase).toBe("online");
  world.tokenFailure = null;
  await world.alive(LIFE_MS * 0.15);
  expect(world.tokens).toBe(2);
  expect(world.open).toHaveLength(2);
});

test("renewal_whose_second_connection_is_refused_leaves_the_first", async () => {
  const world = new World();
  await world.online();
  await world.alive(LIFE_MS * 0.8 + 5_000);
  const successor = world.last;
  successor.close();
  successor.events.onEnd("refused", "");
  expect(world.link.state.phase).toBe("online");
  expect(world.open.map((each) => each.token.clientId)).toEqual(["web:1"]);
});

test("lost_connection_waits_with_growing_jittered_time_and_keeps_its_token", async () => {
  const world = new World();
  await world.online();
  const waits: number[] = [];
  for (let fall = 0; fall < 7; fall += 1) {
    world.last.events.onEnd("lost", "");
    waits.push((world.link.state.nextTryAt ?? 0) - world.clock.now());
    await world.clock.advance(waits.at(-1) ?? 0);
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 2_500, 2_500, 2_500]);
  expect(world.tokens).toBe(1);
});

test("expired_token_is_never_used_for_a_try", async () => {
  const world = new World();
  await world.online();
  world.tokenFailure = new Error("the API is away too");
  world.last.events.onEnd("lost", "");
  await world.clock.advance(LIFE_MS + 1_000);
  world.tokenFailure = null;
  await world.clock.advance(10_000);
  expect(world.last.token.clientId).toBe("web:2");
});

test("refused_connack_drops_the_token_and_comes_back_with_a_new_one", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await settle();
  world.last.events.onEnd("refused", "");
  expect(world.link.state.phase).toBe("waiting");
  await world.clock.advance(10_000);
  expect(world.last.token.clientId).toBe("web:2");
});

test("refused_subscription_ends_the_tries_and_says_so", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await settle();
  world.last.events.onEnd("subscription", "");
  await world.clock.advance(60_000);
  expect(world.link.state).toMatchObject({ phase: "refused" });
  expect(world.link.state.reason).not.toBe("");
  expect(world.connections).toHaveLength(1);
});

test("denied_token_ends_the_tries", async () => {
  const world = new World();
  world.tokenFailure = new TokenDenied("not allowed");
  world.link.start(FILTERS);
  await world.clock.advance(60_000);
  expect(world.link.state).toMatchObject({ phase: "refused", reason: "not allowed" });
  expect(world.clock.waiting).toBe(0);
});

test("silence_of_a_connection_that_is_up_is_noticed_within_15_s", async () => {
  const world = new World();
  await world.online();
  await world.clock.advance(SILENCE_LIMIT_MS - 1_000);
  expect(world.link.state.phase).toBe("online");
  await world.clock.advance(3_000);
  expect(world.phases).toContain("waiting");
  expect(SILENCE_LIMIT_MS + 2_000).toBeLessThan(15_000);
  expect(world.connections[0]?.closed).toBe(true);
});

test("broker_that_never_answers_the_connect_is_given_up", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await world.clock.advance(CONNECT_LIMIT_MS + 1);
  expect(world.link.state.phase).toBe("waiting");
  expect(world.connections[0]?.closed).toBe(true);
});

test("probe_is_doubtful_until_any_packet_comes", async () => {
  const world = new World();
  await world.online();
  world.link.probe();
  expect(world.link.state.phase).toBe("doubtful");
  expect(world.last.pings).toBe(1);
  world.last.events.onPacket();
  expect(world.link.state.phase).toBe("online");
  await world.clock.advance(PROBE_LIMIT_MS + 1);
  expect(world.link.state.phase).toBe("online");
});

test("probe_without_an_answer_is_a_lost_connection", async () => {
  const world = new World();
  await world.online();
  world.link.probe();
  await world.clock.advance(PROBE_LIMIT_MS + 1);
  expect(world.link.state.phase).toBe("waiting");
});

test("stop_ends_connections_and_timers_and_late_answers_change_nothing", async () => {
  const world = new World();
  world.link.start(FILTERS);
  world.link.stop();
  await settle();
  expect(world.connections).toEqual([]);
  await world.online();
  world.link.stop();
  expect(world.open).toEqual([]);
  expect(world.clock.waiting).toBe(0);
  expect(world.link.state.phase).toBe("stopped");
});

test("setFilters_subscribes_what_is_new_and_leaves_what_is_gone", async () => {
  const world = new World();
  await world.online();
  world.link.setFilters(["heartbeat/+", "telemetry/d1/buffered"]);
  expect(world.last.subscribed.sort()).toEqual(["heartbeat/+", "telemetry/d1/buffered"]);
});

test("setFilters_while_renewing_reaches_the_successor", async () => {
  const world = new World();
  await world.online();
  await world.alive(LIFE_MS * 0.8 + 5_000);
  world.link.setFilters([...FILTERS, "telemetry/d1/buffered"]);
  world.last.events.onUp();
  expect(world.last.subscribed).toContain("telemetry/d1/buffered");
});

test("address_that_the_browser_refuses_is_a_failed_try_and_is_tried_again", async () => {
  const world = new World();
  world.link.start(FILTERS);
  await settle();
  world.last.events.onEnd("lost", "The address of the broker cannot be opened (insecure).");
  expect(world.link.state).toMatchObject({ phase: "waiting", attempt: 1, reason: "The address of the broker cannot be opened (insecure)." });
  await world.clock.advance(60_000);
  expect(world.connections.length).toBeGreaterThan(1);
});
