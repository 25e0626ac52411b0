/**
 * Reads what comes from the broker: topic, size, JSON, contract. What does not fit is ignored and counted.
 *
 * A payload can be hostile (markup, prototype keys, huge numbers, another device's id): nothing of it is run
 * or trusted before the contract's validator has passed it, and nothing here throws.
 */

import { MAX_PAYLOAD_BYTES, PAYLOAD_PARSERS, type AuditRecord, type CommandResult, type Heartbeat, type Reading, type ReadingBatch, type ServiceStatus } from "@/contract/payloads";
import { parseTopic } from "@/contract/topics";
import type { Incoming } from "@/lib/mqtt/connection";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";
import { parseLossless } from "@/lib/values/lossless";

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

class Unfit extends Error {}

export class Inbox {
  readonly #readers: AllReaders;
  readonly #ignored = new ValueStore<Ignored>({ count: 0, last: "" });
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  constructor(readers: AllReaders) {
    this.#readers = readers;
  }

  /** How many messages were ignored because they break the contract. */
  get ignored(): ReadableStore<Ignored> {
    return this.#ignored;
  }

  /** Hands a message to its reader, or counts it as ignored. Never throws. */
  receive(message: Incoming): void {
    try {
      this.#route(message);
    } catch (error) {
      const why = error instanceof Error ? error.message : "unreadable";
      const last = `${message.topic.slice(0, 100)}: ${why.slice(0, 200)}`;
      this.#ignored.set({ count: this.#ignored.get().count + 1, last });
    }
  }

  #route(message: Incoming): void {
    const topic = parseTopic(message.topic);
    // Only these are subscribed; all else has no business here.
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check
    switch (topic?.name) {
      case "TELEMETRY_LIVE":
        this.#readers.reading(ofDevice(this.#read("Reading", message), topic.params.client_id));
        break;
      case "TELEMETRY_BUFFERED":
        this.#readers.batch(ofDevice(this.#read("ReadingBatch", message), topic.params.client_id));
        break;
      case "HEARTBEAT":
        this.#readers.heartbeat(ofDevice(this.#read("Heartbeat", message), topic.params.client_id), message.retained);
        break;
      case "SERVICE_STATUS":
        this.#readers.service(ofService(this.#read("ServiceStatus", message), topic.params));
        break;
      case "COMMAND_RESULT":
        this.#readers.commandResult(topic.params.client_id, this.#read("CommandResult", message));
        break;
      case "AUDIT_COMMAND":
        this.#readers.audit(this.#read("AuditRecord", message));
        break;
      default:
        throw new Unfit("nothing here reads this topic");
    }
  }

  #read<N extends "Reading" | "ReadingBatch" | "Heartbeat" | "ServiceStatus" | "CommandResult" | "AuditRecord">(
    name: N,
    message: Incoming,
  ): Payload<N> {
    if (message.payload.byteLength > MAX_PAYLOAD_BYTES) {
      throw new Unfit(`${message.payload.byteLength} bytes are too many`);
    }
    const found = PAYLOAD_PARSERS[name](parseLossless(this.#decoder.decode(message.payload)));
    if (!found.ok) {
      throw new Unfit(found.error);
    }
    return found.value;
  }
}

type Payload<N extends keyof typeof PAYLOAD_PARSERS> = Extract<ReturnType<(typeof PAYLOAD_PARSERS)[N]>, { ok: true }>["value"];

function ofDevice<T extends { readonly client_id: string }>(payload: T, clientId: string): T {
  if (payload.client_id !== clientId) {
    throw new Unfit("names another device than its topic");
  }
  return payload;
}

function ofService(status: ServiceStatus, topic: { readonly service: string; readonly instance: string }): ServiceStatus {
  if (status.service !== topic.service || status.instance !== topic.instance) {
    throw new Unfit("names another service than its topic");
  }
  return status;
}
