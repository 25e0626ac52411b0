/**
 * What each message from the broker does to the stores.
 *
 * Live readings move tiles and charts. While a device is SYNCING its tiles follow `latest` in its heartbeats
 * (B2: under a second also while a backlog is flushed). Replayed readings go to charts alone and never touch a
 * tile (failure case 14). When a device has flushed, its charts are read anew from the archive.
 */

import type { CommandResult, Heartbeat, Reading, ReadingBatch, ServiceStatus } from "@/contract/payloads";
import type { InboxReaders } from "@/lib/mqtt/inbox";
import type { ChartStore } from "@/lib/store/chart";
import type { CommandStore } from "@/lib/store/commands";
import { currentStreamOf, type DeviceStore } from "@/lib/store/devices";
import type { ServiceStore } from "@/lib/store/services";
import type { TileStore } from "@/lib/store/tiles";
import { timeOf, type Clock } from "@/lib/time/clock";

export interface FeedStores {
  readonly tiles: TileStore;
  readonly devices: DeviceStore;
  readonly services: ServiceStore;
  readonly chart: ChartStore;
  readonly commands: CommandStore;
}

export class Feed implements InboxReaders {
  readonly #stores: FeedStores;
  readonly #clock: Clock;
  #lastMessageAt: number | null = null;

  constructor(stores: FeedStores, clock: Clock) {
    this.#stores = stores;
    this.#clock = clock;
  }

  /** When the last message of any topic arrived, in ms; `null` before the first. */
  readonly lastMessageAt = (): number | null => this.#lastMessageAt;

  reading(reading: Reading): void {
    const now = this.#heard();
    const { client_id: clientId, stream, sequence_no: sequence, metrics } = reading;
    const recordedAt = timeOf(reading.timestamp) ?? now;
    const position = { stream, sequence, recordedAt };
    const currentStream = currentStreamOf(this.#stores.devices.one(clientId));
    this.#stores.tiles.offer({ clientId, metrics, position, origin: "live", receivedAt: now }, currentStream);
    this.#stores.chart.offer(clientId, metrics, recordedAt, stream, sequence);
  }

  batch(batch: ReadingBatch): void {
    const now = this.#heard();
    for (const reading of batch.readings) {
      const at = timeOf(reading.timestamp) ?? now;
      this.#stores.chart.offer(batch.client_id, reading.metrics, at, batch.stream, reading.sequence_no, true);
    }
  }

  heartbeat(beat: Heartbeat, retained: boolean): void {
    const now = this.#heard();
    const { before, after } = this.#stores.devices.hear(beat, retained, now);
    if (beat.status === "SYNCING" || retained) {
      this.#showLatest(beat, retained, currentStreamOf(after), now);
    }
    if (before?.said === "SYNCING" && after.said === "ONLINE") {
      this.#stores.chart.reload(beat.client_id, true);
    }
  }

  service(status: ServiceStatus): void {
    this.#stores.services.hear(status, this.#heard());
  }

  commandResult(clientId: string, result: CommandResult): void {
    this.#heard();
    this.#stores.commands.hear(clientId, result);
  }

  #showLatest(beat: Heartbeat, retained: boolean, currentStream: string | null, now: number): void {
    const recordedAt = timeOf(beat.timestamp);
    if (beat.latest === null || beat.stream === null || recordedAt === null) {
      return;
    }
    const origin = retained ? "known" : "replayed";
    const position = { stream: beat.stream, sequence: beat.last_sequence_no, recordedAt };
    const receivedAt = retained ? Math.min(recordedAt, now) : now;
    this.#stores.tiles.offer({ clientId: beat.client_id, metrics: beat.latest, position, origin, receivedAt }, currentStream);
  }

  #heard(): number {
    this.#lastMessageAt = this.#clock.now();
    return this.#lastMessageAt;
  }
}
