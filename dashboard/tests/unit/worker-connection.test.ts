/** Page and worker joined by structured clone, as the browser does it, with a connection to the broker that is faked. */

import { expect, test, vi } from "vitest";

import type { BrokerToken } from "@/lib/api/broker-token";
import type { Connection, ConnectionEvents, Incoming } from "@/lib/mqtt/connection";
import type { Message } from "@/lib/mqtt/read-message";
import { connectionHost, MOST_AHEAD } from "@/lib/mqtt/worker-host";
import { workerConnections, type WorkerPort } from "@/lib/mqtt/worker-connection";
import type { Order, Report } from "@/lib/mqtt/worker-protocol";

const TOKEN: BrokerToken = { clientId: "web:1", username: "user:a", password: "t", wsUrl: "ws://x", fetchedAt: 0, expiresAt: 1 };
const STREAM = "01910000-0000-7000-8000-000000000001";

class Broker implements Connection {
  readonly said: string[] = [];
  /** How publishing ends; `null`: it works. */
  refusal: Error | null = null;

  constructor(readonly filters: readonly string[], readonly events: ConnectionEvents<Incoming>) {}
  subscribe(filters: readonly string[]): void {
    this.said.push(`subscribe ${filters.join()}`);
  }
  unsubscribe(filters: readonly string[]): void {
    this.said.push(`unsubscribe ${filters.join()}`);
  }
  publish(topic: string, payload: string): Promise<void> {
    this.said.push(`publish ${topic} ${payload}`);
    return this.refusal === null ? Promise.resolve() : Promise.reject(this.refusal);
  }
  ping(): void {
    this.said.push("ping");
  }
  close(): void {
    this.said.push("close");
  }
  /** Sends a reading; returns whether the broker may go on. */
  send(sequence: number, metrics = '{"t":72.0}'): () => boolean {
    const text = `{"client_id":"d1","stream":"${STREAM}","sequence_no":${sequence},"timestamp":"2026-02-07T10:15:30.125Z","metrics":${metrics}}`;
    let done = false;
    this.events.onPacket();
    this.events.onMessage({ topic: "telemetry/d1/live", payload: new TextEncoder().encode(text), retained: false }, () => (done = true));
    return () => done;
  }
}

class Pair implements WorkerPort {
  readonly brokers: Broker[] = [];
  terminated = false;
  onmessage: ((event: MessageEvent<Report>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #carryOut: (order: Order) => void;

  constructor(refused: Error | null = null) {
    this.#carryOut = connectionHost(
      (_, filters, events) => {
        if (refused !== null) {
          throw refused;
        }
        const broker = new Broker(filters, events);
        this.brokers.push(broker);
        return broker;
      },
      (report) => this.onmessage?.({ data: structuredClone(report) } as MessageEvent<Report>),
    );
  }
  postMessage(order: Order): void {
    this.#carryOut(structuredClone(order));
  }
  terminate(): void {
    this.terminated = true;
  }
}

class Page implements ConnectionEvents<Message> {
  readonly told: string[] = [];
  readonly messages: Message[] = [];
  readonly waiting: (() => void)[] = [];

  onUp(): void {
    this.told.push("up");
  }
  onPacket(): void {
    this.told.push("packet");
  }
  onMessage(message: Message, done: () => void): void {
    this.messages.push(message);
    this.waiting.push(done);
  }
  onEnd(ending: string, why: string): void {
    this.told.push(`${ending} ${why}`);
  }
  sequences(): bigint[] {
    return this.messages.flatMap((each) => (each.kind === "reading" ? [each.reading.sequence_no] : []));
  }
}

function joined(): { pair: Pair; page: Page; connection: Connection; broker: Broker } {
  const pair = new Pair();
  const page = new Page();
  const connection = workerConnections(() => pair)(TOKEN, ["telemetry/+/live"], page);
  const broker = pair.brokers[0];
  if (broker === undefined) {
    throw new Error("no connection was opened");
  }
  return { pair, page, connection, broker };
}

test("message_crosses_with_every_digit_and_every_key", async () => {
  const { page, broker } = joined();
  broker.send(1, '{"t":72.0,"n":9223372036854775807,"__proto__":true}');
  await vi.waitFor(() => expect(page.messages).toHaveLength(1));
  const [message] = page.messages;
  expect(message?.kind === "reading" && message.reading.metrics).toEqual(new Map<string, unknown>([["t", 72], ["n", 9223372036854775807n], ["__proto__", true]]));
  expect(page.told).toEqual(["packet"]);
});

test("messages_come_in_their_order_and_many_in_one_batch", async () => {
  const { page, broker } = joined();
  for (let sequence = 1; sequence <= 200; sequence += 1) {
    broker.send(sequence);
  }
  await vi.waitFor(() => expect(page.messages).toHaveLength(200));
  expect(page.sequences()).toEqual(Array.from({ length: 200 }, (_, at) => BigInt(at + 1)));
  expect(page.told.length).toBeLessThan(10);
});

test("broker_waits_for_a_page_that_is_behind_and_goes_on_with_it_case_34", async () => {
  const { page, broker } = joined();
  for (let sequence = 1; sequence < MOST_AHEAD; sequence += 1) {
    expect(broker.send(sequence)()).toBe(true);
  }
  const held = broker.send(MOST_AHEAD);
  await vi.waitFor(() => expect(page.messages).toHaveLength(MOST_AHEAD));
  expect(held()).toBe(false);
  page.waiting.slice(1).forEach((done) => done());
  expect(held()).toBe(false);
  page.waiting[0]?.();
  expect(held()).toBe(true);
});

test("orders_reach_the_connection", async () => {
  const { connection, broker } = joined();
  connection.subscribe(["a"]);
  connection.unsubscribe(["b"]);
  await connection.publish("command/d1/request", "{}");
  connection.ping();
  connection.close();
  expect(broker.filters).toEqual(["telemetry/+/live"]);
  expect(broker.said).toEqual(["subscribe a", "unsubscribe b", "publish command/d1/request {}", "ping", "close"]);
});

test("publish_that_fails_says_why", async () => {
  const { connection, broker } = joined();
  broker.refusal = new Error("the broker went away");
  await expect(connection.publish("t", "{}")).rejects.toThrow("the broker went away");
});

test("publish_is_not_left_open_when_the_connection_ends", async () => {
  const { connection, broker } = joined();
  broker.publish = () => new Promise(() => undefined);
  const published = connection.publish("t", "{}");
  broker.events.onEnd("lost", "");
  await expect(published).rejects.toThrow("lost");
  await expect(connection.publish("t", "{}")).rejects.toThrow("lost");
});

test("end_comes_after_what_was_heard_and_nothing_after_it", async () => {
  const { page, broker } = joined();
  broker.events.onUp();
  broker.send(1);
  broker.events.onEnd("refused", "");
  broker.send(2);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(page.sequences()).toEqual([1n]);
  expect(page.told).toEqual(["up", "packet", "refused "]);
});

test("closed_connection_tells_nothing_more", () => {
  const { page, broker, connection } = joined();
  connection.close();
  broker.events.onUp();
  expect(page.told).toEqual([]);
});

test("successor_is_up_only_after_what_its_predecessor_heard", () => {
  const pair = new Pair();
  const open = workerConnections(() => pair);
  const [first, second] = [new Page(), new Page()];
  const predecessor = open(TOKEN, [], first);
  second.onUp = () => predecessor.close();
  open(TOKEN, [], second);
  pair.brokers[0]?.send(1);
  pair.brokers[1]?.events.onUp();
  expect(first.sequences()).toEqual([1n]);
});

test("address_that_cannot_be_opened_ends_the_connection_with_its_reason", () => {
  const pair = new Pair(new Error("insecure"));
  const page = new Page();
  workerConnections(() => pair)(TOKEN, [], page);
  expect(page.told).toEqual(["lost The address of the broker cannot be opened (insecure)."]);
});

test("worker_that_breaks_ends_its_connections_and_the_next_try_has_another", () => {
  const workers: Pair[] = [];
  const open = workerConnections(() => {
    const made = new Pair();
    workers.push(made);
    return made;
  });
  expect(workers).toHaveLength(1); // loaded at once
  const [first, second] = [new Page(), new Page()];
  open(TOKEN, [], first);
  workers[0]?.onerror?.({} as ErrorEvent);
  expect(first.told).toEqual(["lost The part of this page that talks to the broker could not be loaded."]);
  expect(workers[0]?.terminated).toBe(true);
  open(TOKEN, [], second);
  expect(workers).toHaveLength(2);
  workers[1]?.brokers[0]?.events.onUp();
  expect(second.told).toEqual(["up"]);
});
