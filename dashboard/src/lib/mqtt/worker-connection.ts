/**
 * Connections that live in a worker: WebSocket, MQTT.js and the reading of payloads leave the page its frames.
 *
 * A worker that cannot be loaded or breaks ends its connections like a lost network; the next try starts another.
 */

import type { BrokerToken } from "@/lib/api/broker-token";
import type { Connection, ConnectionEvents, Ending, OpenConnection } from "@/lib/mqtt/connection";
import type { Message } from "@/lib/mqtt/read-message";
import type { Order, Report } from "@/lib/mqtt/worker-protocol";

/** What is used of a `Worker`. */
export interface WorkerPort {
  postMessage(order: Order): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Report>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

const LOST = "The connection to the broker was lost.";
const NOT_LOADED = "The part of this page that talks to the broker could not be loaded.";

interface Call {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class RemoteConnection implements Connection {
  readonly #id: number;
  readonly #port: WorkerPort;
  readonly #events: ConnectionEvents<Message>;
  readonly #calls = new Map<number, Call>();
  #lastCall = 0;
  #over = false;

  constructor(id: number, port: WorkerPort, events: ConnectionEvents<Message>) {
    this.#id = id;
    this.#port = port;
    this.#events = events;
  }

  subscribe(filters: readonly string[]): void {
    this.#order({ order: "subscribe", id: this.#id, filters });
  }

  unsubscribe(filters: readonly string[]): void {
    this.#order({ order: "unsubscribe", id: this.#id, filters });
  }

  publish(topic: string, payload: string): Promise<void> {
    if (this.#over) {
      return Promise.reject(new Error(LOST));
    }
    this.#lastCall += 1;
    const call = this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#order({ order: "publish", id: this.#id, call, topic, payload });
    });
  }

  ping(): void {
    this.#order({ order: "ping", id: this.#id });
  }

  close(): void {
    this.#order({ order: "close", id: this.#id });
    this.#finish();
  }

  /** Takes what the worker reports of this connection. */
  take(report: Report): void {
    if (this.#over) {
      return;
    }
    switch (report.report) {
      case "up":
        this.#events.onUp();
        break;
      case "heard":
        this.#events.onPacket();
        this.#hand(report.messages);
        break;
      case "published":
        this.#published(report.call, report.error);
        break;
      case "end":
        this.end(report.ending, report.why);
    }
  }

  end(ending: Ending, why: string): void {
    if (!this.#over) {
      this.#finish();
      this.#events.onEnd(ending, why);
    }
  }

  /** Each message in turn; the worker hears when the last one is done with. */
  #hand(messages: readonly Message[]): void {
    let left = messages.length;
    const done = (): void => {
      left -= 1;
      if (left === 0) {
        this.#order({ order: "handled", id: this.#id, count: messages.length });
      }
    };
    for (const message of messages) {
      if (!this.#over) {
        this.#events.onMessage(message, done);
      }
    }
  }

  #published(call: number, error: string): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (error === "") {
      waiting?.resolve();
    } else {
      waiting?.reject(new Error(error));
    }
  }

  #order(order: Order): void {
    if (!this.#over) {
      this.#port.postMessage(order);
    }
  }

  #finish(): void {
    this.#over = true;
    this.#calls.forEach((call) => call.reject(new Error(LOST)));
    this.#calls.clear();
  }
}

/** Returns what opens connections in the worker that *start* makes; it is loaded at once, while the person still signs in. */
export function workerConnections(start: () => WorkerPort): OpenConnection<Message> {
  const open = new Map<number, RemoteConnection>();
  let last = 0;
  let port: WorkerPort | null = null;

  function running(): WorkerPort {
    if (port === null) {
      const started = start();
      started.onmessage = ({ data }) => {
        open.get(data.id)?.take(data);
        if (data.report === "end") {
          open.delete(data.id);
        }
      };
      started.onerror = () => broken(started);
      port = started;
    }
    return port;
  }

  function broken(worker: WorkerPort): void {
    worker.terminate();
    if (port === worker) {
      port = null;
    }
    const lost = [...open.values()];
    open.clear();
    lost.forEach((each) => each.end("lost", NOT_LOADED));
  }

  running();
  return (token: BrokerToken, filters, events) => {
    last += 1;
    const id = last;
    const worker = running();
    const connection = new RemoteConnection(id, worker, events);
    open.set(id, connection);
    worker.postMessage({ order: "open", id, token, filters });
    return connection;
  };
}

/** The worker of this build. */
export function startWorker(): WorkerPort {
  return new Worker(new URL("./mqtt-worker.ts", import.meta.url), { type: "module" });
}
