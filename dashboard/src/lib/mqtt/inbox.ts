/**
 * Hands each message that was read to the one who follows its kind, and counts what the contract does not allow.
 *
 * Read next: read-message.ts (what fits), journal.ts and feed.ts (what a message does to the stores).
 */

import type { AuditRecord, CommandResult, Heartbeat, Reading, ReadingBatch, ServiceStatus } from "@/contract/payloads";
import { unread, type Message } from "@/lib/mqtt/read-message";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";

export interface InboxReaders {
  readonly reading: (reading: Reading) => void;
  readonly batch: (batch: ReadingBatch) => void;
  readonly heartbeat: (beat: Heartbeat, retained: boolean) => void;
  readonly service: (status: ServiceStatus) => void;
  readonly commandResult: (clientId: string, result: CommandResult) => void;
}

/** The log reads one topic more. */
export interface AllReaders extends InboxReaders {
  readonly audit: (record: AuditRecord) => void;
}

export interface Ignored {
  readonly count: number;
  /** Topic and reason of the newest one, for people. */
  readonly last: string;
}

export class Inbox {
  readonly #readers: AllReaders;
  readonly #ignored = new ValueStore<Ignored>({ count: 0, last: "" });

  constructor(readers: AllReaders) {
    this.#readers = readers;
  }

  /** How many messages were ignored because they break the contract. */
  get ignored(): ReadableStore<Ignored> {
    return this.#ignored;
  }

  /** Hands a message to its reader, or counts it as ignored. Never throws. */
  receive(message: Message): void {
    try {
      this.#route(message);
    } catch (error) {
      this.#ignore(unread(message.kind, error).why);
    }
  }

  #route(message: Message): void {
    switch (message.kind) {
      case "reading":
        this.#readers.reading(message.reading);
        break;
      case "batch":
        this.#readers.batch(message.batch);
        break;
      case "heartbeat":
        this.#readers.heartbeat(message.beat, message.retained);
        break;
      case "service":
        this.#readers.service(message.status);
        break;
      case "commandResult":
        this.#readers.commandResult(message.clientId, message.result);
        break;
      case "audit":
        this.#readers.audit(message.record);
        break;
      case "unfit":
        this.#ignore(message.why);
    }
  }

  #ignore(last: string): void {
    this.#ignored.set({ count: this.#ignored.get().count + 1, last });
  }
}
