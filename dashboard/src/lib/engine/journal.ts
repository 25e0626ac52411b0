/**
 * Stands between inbox and feed and writes down what a message means as an event: sent, connected, lost, flushed,
 * commands and their results. It changes no value on the screen; the feed does.
 *
 * Presence changes are judged here once a second too, since silence brings no message (failure case 32). While the
 * browser itself is cut off, or not up to date yet, nobody is said to have come or gone.
 */

import type { AuditRecord, CommandResult, Heartbeat, MetricValue, Reading, ReadingBatch, ServiceStatus } from "@/contract/payloads";
import { commandOf, eventOfResult, eventOfPublished } from "@/lib/engine/command-events";
import type { AllReaders, InboxReaders } from "@/lib/mqtt/inbox";
import type { BacklogStore } from "@/lib/store/backlog";
import { intervalOf, presenceOf, type Device, type DeviceStore, type Presence } from "@/lib/store/devices";
import type { EventStore, LogEvent } from "@/lib/store/events";
import type { Clock } from "@/lib/time/clock";
import { exactText } from "@/lib/values/exact";
import { formatCount, formatDouble } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

const SECOND_MS = 1_000;
/** So many lines a person can follow; of more devices each writes less often. */
const LINES_A_SECOND = 2;

export interface JournalParts {
  readonly feed: InboxReaders;
  readonly devices: DeviceStore;
  readonly events: EventStore;
  readonly backlog: BacklogStore;
  /** Whether the screen is up to date, so that who came and who went can be told. */
  readonly isCurrent: () => boolean;
}

export class Journal implements AllReaders {
  readonly #parts: JournalParts;
  readonly #clock: Clock;
  readonly #presence = new Map<string, Presence>();
  /** Since when it is known who is there; before that nobody can be said to have come. */
  #begun = false;
  readonly #sentAt = new Map<string, number>();
  #events = 0;
  #timer: number | null = null;

  constructor(parts: JournalParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Looks each second for devices that have fallen silent; returns what ends it. */
  start(): () => void {
    const look = (): void => {
      this.#judgeAll();
      this.#timer = this.#clock.after(SECOND_MS, look);
    };
    look();
    return () => {
      if (this.#timer !== null) {
        this.#clock.cancel(this.#timer);
      }
    };
  }

  clear(): void {
    this.#presence.clear();
    this.#sentAt.clear();
    this.#begun = false;
  }

  reading(reading: Reading): void {
    this.#parts.feed.reading(reading);
    const now = this.#clock.now();
    const sentAt = this.#sentAt.get(reading.client_id);
    const pauseMs = Math.max(SECOND_MS, (this.#sentAt.size / LINES_A_SECOND) * SECOND_MS) - 50;
    if (sentAt === undefined || now - sentAt >= pauseMs) {
      this.#sentAt.set(reading.client_id, now);
      this.#add({ at: now, kind: "sent", clientId: reading.client_id, tone: "plain", ...sentence(reading.metrics) });
    }
  }

  batch(batch: ReadingBatch): void {
    this.#parts.feed.batch(batch);
  }

  heartbeat(beat: Heartbeat, retained: boolean): void {
    // Asked first: who was there when the screen became current is not to be mixed up with who comes now.
    const canTell = this.#canTell();
    this.#parts.feed.heartbeat(beat, retained);
    if (retained) {
      return;
    }
    const now = this.#clock.now();
    const flushed = this.#parts.backlog.hear(beat, now);
    const device = this.#parts.devices.one(beat.client_id);
    if (device !== null && canTell) {
      this.#judge(device, now, flushed);
    }
  }

  service(status: ServiceStatus): void {
    this.#parts.feed.service(status);
  }

  commandResult(clientId: string, result: CommandResult): void {
    this.#parts.feed.commandResult(clientId, result);
    this.#parts.events.add(eventOfResult(clientId, result, this.#clock.now()));
  }

  audit(record: AuditRecord): void {
    const command = commandOf(record);
    if (command !== null) {
      this.#parts.events.add(eventOfPublished(command, this.#clock.now()));
    }
  }

  /** The first time that the screen is up to date, everybody's presence is taken as it is. */
  #canTell(): boolean {
    if (!this.#parts.isCurrent()) {
      return false;
    }
    if (!this.#begun) {
      this.#begun = true;
      const now = this.#clock.now();
      this.#parts.devices.all().forEach((each) => this.#presence.set(each.clientId, presenceOf(each, now)));
    }
    return true;
  }

  #judgeAll(): void {
    if (this.#canTell()) {
      const now = this.#clock.now();
      this.#parts.devices.all().forEach((each) => this.#judge(each, now, null));
    }
  }

  #judge(device: Device, now: number, flushed: number | null): void {
    const before = this.#presence.get(device.clientId) ?? "OFFLINE";
    const presence = device.revokedAt === null ? presenceOf(device, now) : "OFFLINE";
    this.#presence.set(device.clientId, presence);
    if (presence !== before || flushed !== null) {
      this.#add({ at: now, kind: "connection", clientId: device.clientId, ...change(device, before, presence, now, flushed) });
    }
  }

  #add(event: Omit<LogEvent, "key">): void {
    this.#events += 1;
    this.#parts.events.add({ ...event, key: `heard ${this.#events}` });
  }
}

type Sentence = Pick<LogEvent, "tone" | "text" | "detail">;

function change(device: Device, before: Presence, presence: Presence, now: number, flushed: number | null): Sentence {
  const waiting = device.figures?.pending ?? 0;
  const readings = (count: number): string => `${formatCount(count)} ${count === 1 ? "reading" : "readings"}`;
  switch (presence) {
    case "OFFLINE":
      return device.said === "OFFLINE"
        ? { tone: "down", text: "lost", detail: "its connection to the broker ended" }
        : { tone: "down", text: "lost", detail: `no heartbeat for ${Math.round((now - (device.heardAt ?? now)) / SECOND_MS)} s, expected every ${intervalOf(device)} s` };
    case "SYNCING":
      return { tone: "warn", text: before === "OFFLINE" ? "connected" : "catching up", detail: `flushing ${readings(waiting)}` };
    case "ONLINE":
      return flushed === null ? { tone: "ok", text: "connected", detail: "" } : { tone: "ok", text: `flushed ${formatCount(flushed)}`, detail: "backlog archived" };
  }
}

/** One value says that the device speaks: the first with a unit, else the first number, else the first at all. */
export function mainMetric(metrics: ReadonlyMap<string, MetricValue>): readonly [string, MetricValue] | null {
  const all = [...metrics];
  const numbers = all.filter(([, value]) => typeof value !== "boolean");
  return numbers.find(([metric]) => unitOf(metric) !== "") ?? numbers[0] ?? all[0] ?? null;
}

function sentence(metrics: ReadonlyMap<string, MetricValue>): Pick<LogEvent, "text" | "detail"> {
  const found = mainMetric(metrics);
  if (found === null) {
    return { text: "sent", detail: "" };
  }
  const [metric, value] = found;
  const text = typeof value === "number" ? formatDouble(value) : exactText(value);
  return { text: `sent ${text} ${unitOf(metric)}`.trimEnd(), detail: metric };
}
