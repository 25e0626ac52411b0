/**
 * The worker's side: opens the connections that the page orders, reads their messages and hands them over in batches.
 *
 * A batch leaves at once after a pause, then no more often than `BATCH_MS`: each one costs the page a task of its own.
 * `MOST_AHEAD` messages may wait for the page; then the broker waits (failure case 34). Read next: connection.ts.
 */

import type { Connection, Incoming, OpenConnection } from "@/lib/mqtt/connection";
import { readMessage, type Message } from "@/lib/mqtt/read-message";
import type { Order, Report } from "@/lib/mqtt/worker-protocol";

export const BATCH_MS = 8;
export const MOST_AHEAD = 256;

type Post = (report: Report) => void;

/** Collects what one connection has heard, and lets no more in than the page can take. */
class Batches {
  readonly #id: number;
  readonly #post: Post;
  readonly #held: (() => void)[] = [];
  #messages: Message[] = [];
  #ahead = 0;
  #lastAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(id: number, post: Post) {
    this.#id = id;
    this.#post = post;
  }

  add(incoming: Incoming, done: () => void): void {
    this.#messages.push(readMessage(incoming));
    this.#ahead += 1;
    if (this.#ahead < MOST_AHEAD) {
      done();
    } else {
      this.#held.push(done);
    }
  }

  /** Something has come in: tells it now, or after a short pause. */
  heard(): void {
    if (this.#timer === null) {
      const pause = this.#lastAt + BATCH_MS - performance.now();
      this.#timer = setTimeout(() => this.flush(), Math.max(0, pause));
    }
  }

  flush(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#lastAt = performance.now();
      this.#post({ report: "heard", id: this.#id, messages: this.#messages });
      this.#messages = [];
    }
  }

  handled(count: number): void {
    this.#ahead -= count;
    if (this.#ahead < MOST_AHEAD) {
      this.#held.splice(0).forEach((done) => done());
    }
  }

  stop(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : "unknown reason";
}

interface Open {
  readonly connection: Connection;
  readonly batches: Batches;
}

/** Returns what carries out the page's orders, with connections from *open*, telling what happens through *post*. */
export function connectionHost(open: OpenConnection<Incoming>, post: Post): (order: Order) => void {
  const opened = new Map<number, Open>();

  function openOne(order: Extract<Order, { order: "open" }>): void {
    const { id } = order;
    const batches = new Batches(id, post);
    try {
      const connection = open(order.token, order.filters, {
        onUp: () => {
          // The page may close another connection now, which has heard what came before this one could.
          opened.forEach((each) => each.batches.flush());
          post({ report: "up", id });
        },
        onPacket: () => batches.heard(),
        onMessage: (incoming, done) => batches.add(incoming, done),
        onEnd: (ending, why) => {
          batches.flush();
          opened.delete(id);
          post({ report: "end", id, ending, why });
        },
      });
      opened.set(id, { connection, batches });
    } catch (error) {
      // An address that the browser refuses to open (clear text from a page over TLS, nonsense) is a failed try like any other.
      post({ report: "end", id, ending: "lost", why: `The address of the broker cannot be opened (${reason(error)}).` });
    }
  }

  function publish({ connection }: Open, { id, call, topic, payload }: Extract<Order, { order: "publish" }>): void {
    connection.publish(topic, payload).then(
      () => post({ report: "published", id, call, error: "" }),
      (error: unknown) => post({ report: "published", id, call, error: reason(error) }),
    );
  }

  return (order) => {
    const one = opened.get(order.id);
    if (order.order === "open") {
      openOne(order);
    } else if (one !== undefined) {
      carryOut(one, order);
    }
  };

  function carryOut(one: Open, order: Exclude<Order, { order: "open" }>): void {
    switch (order.order) {
      case "subscribe":
        one.connection.subscribe(order.filters);
        break;
      case "unsubscribe":
        one.connection.unsubscribe(order.filters);
        break;
      case "publish":
        publish(one, order);
        break;
      case "handled":
        one.batches.handled(order.count);
        break;
      case "ping":
        one.connection.ping();
        break;
      case "close":
        opened.delete(order.id);
        one.batches.stop();
        one.connection.close();
    }
  }
}
