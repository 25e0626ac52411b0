/**
 * What has happened lately, for the recent log: a bounded list, newest first, told to readers a few times a second.
 *
 * Values sent are many and everything else is rare, so each has room of its own: a fast device never pushes out
 * that another one was lost. The same event heard twice (live and from the archive) has the same key and stands once.
 */

import { FrameNotifier, type NextFrame } from "@/lib/store/frame";
import type { Unsubscribe } from "@/lib/store/value-store";

export const MOST_SENT = 100;
export const MOST_OTHERS = 300;
const ALL = "*";

export type EventKind = "sent" | "connection" | "command" | "sign-in" | "rejected";

export interface LogEvent {
  readonly key: string;
  /** On this browser's clock, in ms. */
  readonly at: number;
  readonly kind: EventKind;
  /** The device it is about; empty when it is about none. */
  readonly clientId: string;
  readonly tone: "plain" | "ok" | "warn" | "down";
  /** What happened, for people; it may hold text of strangers and is only ever shown as text. */
  readonly text: string;
  /** What stands fainter beside it. */
  readonly detail: string;
}

export class EventStore {
  readonly #frames: FrameNotifier;
  #sent: LogEvent[] = [];
  #others: LogEvent[] = [];
  readonly #keys = new Set<string>();
  #list: readonly LogEvent[] = [];
  #stale = false;

  constructor(nextFrame: NextFrame) {
    this.#frames = new FrameNotifier(nextFrame);
  }

  add(event: LogEvent): void {
    if (this.#keys.has(event.key)) {
      return;
    }
    this.#keys.add(event.key);
    if (event.kind === "sent") {
      this.#sent = this.#bounded([event, ...this.#sent], MOST_SENT);
    } else {
      this.#others = this.#bounded(inOrder([event, ...this.#others]), MOST_OTHERS);
    }
    this.#stale = true;
    this.#frames.mark(ALL);
  }

  /** Newest first; the same array until something is added. */
  readonly list = (): readonly LogEvent[] => {
    if (this.#stale) {
      this.#stale = false;
      this.#list = inOrder([...this.#sent, ...this.#others]);
    }
    return this.#list;
  };

  readonly subscribe = (run: () => void): Unsubscribe => this.#frames.subscribe(ALL, run);

  clear(): void {
    this.#sent = [];
    this.#others = [];
    this.#keys.clear();
    this.#stale = true;
    this.#frames.mark(ALL);
  }

  #bounded(events: LogEvent[], most: number): LogEvent[] {
    events.splice(most).forEach((each) => this.#keys.delete(each.key));
    return events;
  }
}

/** Newest first; of the same moment, what was heard last stands first. */
function inOrder(events: readonly LogEvent[]): LogEvent[] {
  return events.toSorted((left, right) => right.at - left.at);
}
