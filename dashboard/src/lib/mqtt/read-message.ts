/**
 * Reads what comes from the broker: topic, size, JSON, contract. Runs in the worker, so that the page only shows.
 *
 * A payload can be hostile (markup, prototype keys, huge numbers, another device's id): nothing of it is run
 * or trusted before the contract's validator has passed it, and nothing here throws. Read next: inbox.ts.
 */

import { MAX_PAYLOAD_BYTES, PAYLOAD_PARSERS, type AuditRecord, type CommandResult, type Heartbeat, type Reading, type ReadingBatch, type ServiceStatus } from "@/contract/payloads";
import { parseTopic } from "@/contract/topics";
import type { Incoming } from "@/lib/mqtt/connection";
import { parseLossless } from "@/lib/values/lossless";

/** A message that fits the contract, or why it does not (`unfit`: topic and reason, for people). */
export type Message =
  | { readonly kind: "reading"; readonly reading: Reading }
  | { readonly kind: "batch"; readonly batch: ReadingBatch }
  | { readonly kind: "heartbeat"; readonly beat: Heartbeat; readonly retained: boolean }
  | { readonly kind: "service"; readonly status: ServiceStatus }
  | { readonly kind: "commandResult"; readonly clientId: string; readonly result: CommandResult }
  | { readonly kind: "audit"; readonly record: AuditRecord }
  | Unread;

export interface Unread {
  readonly kind: "unfit";
  readonly why: string;
}

class Unfit extends Error {}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Says for people why a message on *topic* is ignored. */
export function unread(topic: string, error: unknown): Unread {
  const why = error instanceof Error ? error.message : "unreadable";
  return { kind: "unfit", why: `${topic.slice(0, 100)}: ${why.slice(0, 200)}` };
}

/** Reads a message. Never throws. */
export function readMessage(message: Incoming): Message {
  try {
    return fitting(message);
  } catch (error) {
    return unread(message.topic, error);
  }
}

function fitting(message: Incoming): Message {
  const topic = parseTopic(message.topic);
  // Only these are subscribed; all else has no business here.
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check
  switch (topic?.name) {
    case "TELEMETRY_LIVE":
      return { kind: "reading", reading: ofDevice(payload("Reading", message), topic.params.client_id) };
    case "TELEMETRY_BUFFERED":
      return { kind: "batch", batch: ofDevice(payload("ReadingBatch", message), topic.params.client_id) };
    case "HEARTBEAT":
      return { kind: "heartbeat", beat: ofDevice(payload("Heartbeat", message), topic.params.client_id), retained: message.retained };
    case "SERVICE_STATUS":
      return { kind: "service", status: ofService(payload("ServiceStatus", message), topic.params) };
    case "COMMAND_RESULT":
      return { kind: "commandResult", clientId: topic.params.client_id, result: payload("CommandResult", message) };
    case "AUDIT_COMMAND":
      return { kind: "audit", record: payload("AuditRecord", message) };
    default:
      throw new Unfit("nothing here reads this topic");
  }
}

function payload<N extends "Reading" | "ReadingBatch" | "Heartbeat" | "ServiceStatus" | "CommandResult" | "AuditRecord">(name: N, message: Incoming): Payload<N> {
  if (message.payload.byteLength > MAX_PAYLOAD_BYTES) {
    throw new Unfit(`${message.payload.byteLength} bytes are too many`);
  }
  const found = PAYLOAD_PARSERS[name](parseLossless(decoder.decode(message.payload)));
  if (!found.ok) {
    throw new Unfit(found.error);
  }
  return found.value;
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
