/** Commands and their results as events; heard live or read from the audit log, the same one has the same key. Pure. */

import { parseCommand, type AuditRecord, type CommandResult } from "@/contract/payloads";
import { parseTopic } from "@/contract/topics";
import type { LogEvent } from "@/lib/store/events";
import { parseLossless } from "@/lib/values/lossless";
import { principalText } from "@/lib/values/principal";

const MOST_LETTERS = 200;
/** It publishes for people who have no broker connection; its own audit row says for whom. */
const PUBLISHER_FOR_OTHERS = "service:auth-api";
const COMMANDS: ReadonlySet<string> = new Set(["COMMAND_FORCE_SYNC", "COMMAND_UPDATE_CONFIG", "COMMAND_RELOAD"]);
const OUTCOMES = {
  DONE: { tone: "ok", word: "done" },
  FAILED: { tone: "down", word: "failed" },
  REJECTED: { tone: "warn", word: "rejected" },
  EXPIRED: { tone: "warn", word: "expired" },
} as const;

export interface GivenCommand {
  readonly commandId: string;
  readonly command: string;
  readonly clientId: string;
  /** As the broker or the API attests it, never what the payload says. */
  readonly principal: string;
}

/** A command that the broker has seen; `null` when it is none, or when another row says who gave it. */
export function commandOf(record: AuditRecord): GivenCommand | null {
  const topic = parseTopic(record.topic);
  if (topic === null || !COMMANDS.has(topic.name) || !("client_id" in topic.params) || record.username === PUBLISHER_FOR_OTHERS) {
    return null;
  }
  const read = commandIn(record.payload);
  return read === null ? null : { ...read, clientId: topic.params.client_id, principal: record.username };
}

function commandIn(payload: string): Pick<GivenCommand, "commandId" | "command"> | null {
  try {
    const found = parseCommand(parseLossless(payload));
    return found.ok ? { commandId: found.value.command_id, command: found.value.command } : null;
  } catch {
    return null;
  }
}

export function eventOfPublished({ commandId, command, clientId, principal }: GivenCommand, at: number): LogEvent {
  return { key: `given ${commandId}`, at, kind: "command", clientId, tone: "plain", text: command, detail: `given by ${principalText(principal).slice(0, MOST_LETTERS)}` };
}

export function eventOfResult(clientId: string, result: CommandResult, at: number): LogEvent {
  const { tone, word } = OUTCOMES[result.status];
  return {
    key: `result ${clientId} ${result.command_id}`,
    at,
    kind: "command",
    clientId,
    tone,
    text: `${result.command.slice(0, MOST_LETTERS)} ${word}`,
    detail: result.message.slice(0, MOST_LETTERS),
  };
}
