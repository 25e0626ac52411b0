/**
 * One MQTT connection to the broker over WebSockets; the only file that knows MQTT.js.
 *
 * It connects once and reports what happens. It never reconnects, never renews, never looks into payloads:
 * link.ts decides, inbox.ts reads. MQTT 3.1.1 with a clean session, since the embedded broker speaks no other.
 * Client and WebSocket transport are imported apart: the whole package brings transports that no browser has.
 * `onMessage` gets a `done` that acknowledges the message and lets the next one in: that is the flow control.
 */

import MqttClient, { type IClientOptions } from "mqtt/lib/client";
import { browserStreamBuilder } from "mqtt/lib/connect/ws";

import type { BrokerToken } from "@/lib/api/broker-token";
import type { IntervalTimers } from "@/lib/time/worker-timers";

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

export interface ConnectionEvents {
  /** Connected and every filter granted. */
  onUp(): void;
  /** Any packet at all, as a sign of life. */
  onPacket(): void;
  onMessage(message: Incoming, done: () => void): void;
  /** At most once; nothing follows. */
  onEnd(ending: Ending): void;
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

export type OpenConnection = (token: BrokerToken, filters: readonly string[], events: ConnectionEvents) => Connection;

/** What `mqtt.connect` would read off the address. */
function addressOf(wsUrl: string): IClientOptions {
  const url = new URL(wsUrl);
  const secure = url.protocol === "wss:";
  return { protocol: secure ? "wss" : "ws", hostname: url.hostname, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), path: url.pathname };
}

function optionsFor(token: BrokerToken, timers: IntervalTimers): IClientOptions {
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
    timerVariant: { set: timers.set, clear: timers.clear },
  };
}

function returnCode(error: Error): number {
  return "code" in error && typeof error.code === "number" ? error.code : 0;
}

class MqttConnection implements Connection {
  readonly #client: MqttClient;
  readonly #events: ConnectionEvents;
  #over = false;

  constructor(client: MqttClient, filters: readonly string[], events: ConnectionEvents) {
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
      this.#events.onEnd(ending);
    });
  }
}

/** Returns a function that opens connections whose keepalive runs on *timers*. */
export function connectionOpener(timers: IntervalTimers): OpenConnection {
  return (token, filters, events) => {
    const options = optionsFor(token, timers);
    return new MqttConnection(new MqttClient((client) => browserStreamBuilder(client, options), options), filters, events);
  };
}
