/**
 * One MQTT connection to the broker over WebSockets; the only file that knows MQTT.js. It runs in a worker.
 *
 * It connects once and reports what happens. It never reconnects, never renews, never looks into payloads:
 * link.ts decides, inbox.ts reads. MQTT 3.1.1 with a clean session, since the embedded broker speaks no other.
 * Client and WebSocket transport are imported apart: the whole package brings transports that no browser has.
 * `onMessage` gets a `done` that acknowledges the message and lets the next one in: that is the flow control.
 */

import MqttClient, { type IClientOptions } from "mqtt/lib/client";
import { browserStreamBuilder } from "mqtt/lib/connect/ws";

import type { BrokerToken } from "@/lib/api/broker-token";

const KEEPALIVE_S = 10;
const CONNECT_TIMEOUT_MS = 8_000;
/** Return codes of CONNACK that a new token may cure: bad credentials, not authorized. */
const TOKEN_REFUSED: ReadonlySet<number> = new Set([4, 5]);

export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

/** Why a connection is over. `refused`: the broker said no to the token; `subscription`: to a topic. */
export type Ending = "refused" | "subscription" | "lost";

/** What a connection tells; *Message* is what it makes of each message. */
export interface ConnectionEvents<Message> {
  /** Connected and every filter granted. */
  onUp(): void;
  /** Any packet at all, as a sign of life. */
  onPacket(): void;
  onMessage(message: Message, done: () => void): void;
  /** At most once; nothing follows. *why*: more than *ending* says, for people; often empty. */
  onEnd(ending: Ending, why: string): void;
}

export interface Connection {
  subscribe(filters: readonly string[]): void;
  unsubscribe(filters: readonly string[]): void;
  /** Resolves when the broker has acknowledged it (QoS 1, not retained). @throws Error when the connection ends before. */
  publish(topic: string, payload: string): Promise<void>;
  ping(): void;
  /** Ends it without `onEnd`. */
  close(): void;
}

export type OpenConnection<Message> = (token: BrokerToken, filters: readonly string[], events: ConnectionEvents<Message>) => Connection;

/** A worker's own timers are not held back when its page is hidden; those that MQTT.js brings would need a `blob:` worker. */
const TIMERS = { set: (run: () => void, everyMs: number): number => Number(setInterval(run, everyMs)), clear: (timer: number): void => clearInterval(timer) };

/** What `mqtt.connect` would read off the address. */
function addressOf(wsUrl: string): IClientOptions {
  const url = new URL(wsUrl);
  const secure = url.protocol === "wss:";
  return { protocol: secure ? "wss" : "ws", hostname: url.hostname, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), path: url.pathname };
}

function optionsFor(token: BrokerToken): IClientOptions {
  return {
    ...addressOf(token.wsUrl),
    clientId: token.clientId,
    username: token.username,
    password: token.password,
    protocolVersion: 4,
    clean: true,
    keepalive: KEEPALIVE_S,
    reschedulePings: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    resubscribe: false,
    timerVariant: TIMERS,
  };
}

function returnCode(error: Error): number {
  return "code" in error && typeof error.code === "number" ? error.code : 0;
}

class MqttConnection implements Connection {
  readonly #client: MqttClient;
  readonly #events: ConnectionEvents<Incoming>;
  #over = false;

  constructor(client: MqttClient, filters: readonly string[], events: ConnectionEvents<Incoming>) {
    this.#client = client;
    this.#events = events;
    client.on("connect", () => this.#subscribeFirst(filters));
    client.on("packetreceive", () => this.#ifOpen(() => events.onPacket()));
    client.on("error", (error) => this.#end(TOKEN_REFUSED.has(returnCode(error)) ? "refused" : "lost"));
    client.on("close", () => this.#end("lost"));
    client.handleMessage = (packet, done) => {
      const payload = typeof packet.payload === "string" ? new TextEncoder().encode(packet.payload) : packet.payload;
      this.#ifOpen(() => events.onMessage({ topic: packet.topic, payload, retained: packet.retain }, () => done()));
    };
  }

  subscribe(filters: readonly string[]): void {
    if (!this.#over && filters.length > 0) {
      this.#client.subscribe([...filters], { qos: 1 });
    }
  }

  unsubscribe(filters: readonly string[]): void {
    if (!this.#over && filters.length > 0) {
      this.#client.unsubscribe([...filters]);
    }
  }

  async publish(topic: string, payload: string): Promise<void> {
    if (this.#over) {
      throw new Error("The connection to the broker was lost.");
    }
    await this.#client.publishAsync(topic, payload, { qos: 1 });
  }

  ping(): void {
    this.#ifOpen(() => this.#client.sendPing());
  }

  close(): void {
    this.#over = true;
    this.#client.end(true);
  }

  #subscribeFirst(filters: readonly string[]): void {
    this.#client.subscribe([...filters], { qos: 1 }, (error, granted) => {
      if (error !== null) {
        this.#end("packet" in error ? "subscription" : "lost");
      } else if (granted?.some((each) => each.qos > 2) === true) {
        this.#end("subscription");
      } else {
        this.#ifOpen(() => this.#events.onUp());
      }
    });
  }

  #ifOpen(run: () => void): void {
    if (!this.#over) {
      run();
    }
  }

  #end(ending: Ending): void {
    this.#ifOpen(() => {
      this.close();
      this.#events.onEnd(ending, "");
    });
  }
}

/** Opens a connection to the address in *token*. @throws Error when no WebSocket can be had for it. */
export const openConnection: OpenConnection<Incoming> = (token, filters, events) => {
  const options = optionsFor(token);
  return new MqttConnection(new MqttClient((client) => browserStreamBuilder(client, options), options), filters, events);
};
