/**
 * Sign-ins, rejected messages and earlier commands for the recent log: read from the API, since they pass no topic
 * that a browser may hear. Asked for at once when somebody looks, after every reconnect, and every 15 s from then on.
 *
 * Only for people with VIEW_LOGS. What is known already changes nothing (events have keys).
 */

import type { ObservedApi } from "@/lib/api/observed";
import { itemPage } from "@/lib/api/pages";
import { auditEvent, rejectEvent } from "@/lib/engine/log-events";
import type { EventStore, LogEvent } from "@/lib/store/events";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";
import type { Clock } from "@/lib/time/clock";

export const READ_EVERY_MS = 15_000;
const ROWS = 50;

export class LogReader {
  readonly #api: ObservedApi;
  readonly #events: EventStore;
  readonly #clock: Clock;
  readonly #failing = new ValueStore(false);
  #followers = 0;
  #timer: number | null = null;

  constructor(api: ObservedApi, events: EventStore, clock: Clock) {
    this.#api = api;
    this.#events = events;
    this.#clock = clock;
  }

  /** Whether the last try brought nothing. */
  get failing(): ReadableStore<boolean> {
    return this.#failing;
  }

  /** Reads now and goes on reading; returns what ends it. */
  follow(): () => void {
    this.#followers += 1;
    this.readSoon();
    return () => {
      this.#followers -= 1;
      if (this.#followers === 0) {
        this.#cancel();
        this.#failing.set(false);
      }
    };
  }

  /** Reads now, when anybody follows. */
  readSoon(): void {
    if (this.#followers > 0) {
      this.#cancel();
      void this.#read();
    }
  }

  async #read(): Promise<void> {
    this.#plan();
    try {
      const found = await Promise.all([this.#rows("/logs/audit", auditEvent), this.#rows("/logs/rejects", rejectEvent)]);
      if (this.#followers > 0) {
        this.#failing.set(false);
        // Oldest first, so that what is newest is added last.
        found.flat().filter((each) => each !== null).toReversed().forEach((each) => this.#events.add(each));
      }
    } catch {
      this.#failing.set(this.#followers > 0);
    }
  }

  async #rows(path: string, read: typeof auditEvent): Promise<readonly (LogEvent | null)[]> {
    return (await itemPage(this.#api.send, `${path}?limit=${ROWS}`, null, (item) => read(item, this.#api.toLocal))).items;
  }

  #plan(): void {
    this.#cancel();
    this.#timer = this.#clock.after(READ_EVERY_MS, () => void this.#read());
  }

  #cancel(): void {
    if (this.#timer !== null) {
      this.#clock.cancel(this.#timer);
      this.#timer = null;
    }
  }
}
