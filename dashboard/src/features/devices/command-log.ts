/**
 * A device's commands as the audit log has them, joined with those given in this tab and the answers seen live.
 *
 * Who gave a command is the log's word: the principal that the broker attested, or, where that is the API, the person
 * in the API's own row. Pure but for `auditedCommands`, which asks.
 */

import { parseCommand, type CommandResult } from "@/contract/payloads";
import type { Send } from "@/lib/api/http";
import { itemPage } from "@/lib/api/pages";
import { fields, optionalText, optionalTime, text, time, type Fields } from "@/lib/api/reading";
import type { Answered, Delivery, SentCommand } from "@/lib/store/commands";
import { timeOf } from "@/lib/time/clock";
import { parseLossless } from "@/lib/values/lossless";

const LATEST = 20;

export interface AuditedCommand {
  readonly commandId: string;
  readonly command: string;
  /** On this browser's clock, in ms, like `expiresAt`. */
  readonly at: number;
  readonly expiresAt: number;
  /** The audited principal. */
  readonly by: string;
  readonly isPublished: boolean;
}

export interface AuditedResult {
  readonly commandId: string;
  readonly status: CommandResult["status"];
  readonly message: string;
}

export interface CommandLog {
  readonly commands: readonly AuditedCommand[];
  readonly results: readonly AuditedResult[];
}

export interface CommandRow {
  readonly commandId: string;
  readonly command: string;
  readonly at: number;
  readonly expiresAt: number;
  /** The audited principal; `null` while the log has not been read. */
  readonly by: string | null;
  readonly delivery: Delivery;
  readonly trouble: string;
  readonly status: CommandResult["status"] | null;
  readonly message: string;
}

type ToLocal = (at: number) => number;

/** A row that the broker attested; its payload is what somebody published, so it may be anything. */
function published(item: Fields, toLocal: ToLocal): AuditedCommand | null {
  const detail = fields(item.detail, "detail");
  const command = parseCommand(parsedOrNull(optionalText(detail, "payload") ?? ""));
  if (!command.ok) {
    return null;
  }
  const { command_id: commandId, command: name, expires_at: expires } = command.value;
  return { commandId, command: name, at: toLocal(time(item, "at")), expiresAt: toLocal(timeOf(expires) ?? 0), by: text(item, "actor"), isPublished: true };
}

function parsedOrNull(json: string): unknown {
  try {
    return parseLossless(json);
  } catch {
    return null;
  }
}

/** The API's own row for a command that it published in a person's name. */
function issued(item: Fields, toLocal: ToLocal): AuditedCommand | null {
  const detail = fields(item.detail, "detail");
  const commandId = optionalText(detail, "command_id");
  const expiresAt = toLocal(optionalTime(detail, "expires_at") ?? 0);
  return commandId === null ? null : { commandId, command: text(detail, "command"), at: toLocal(time(item, "at")), expiresAt, by: text(item, "actor"), isPublished: false };
}

function result(item: Fields): AuditedResult | null {
  const detail = fields(item.detail, "detail");
  const commandId = optionalText(detail, "command_id");
  const status = (["DONE", "FAILED", "REJECTED", "EXPIRED"] as const).find((each) => each === detail.status);
  return commandId === null || status === undefined ? null : { commandId, status, message: optionalText(detail, "message") ?? "" };
}

/** Reads a device's latest commands from the audit log. */
export async function auditedCommands(send: Send, toLocal: ToLocal, clientId: string): Promise<CommandLog> {
  const rows = async <T>(action: string, limit: number, read: (item: Fields) => T | null): Promise<readonly T[]> => {
    const query = new URLSearchParams({ action, entity_id: clientId, limit: String(limit) }).toString();
    const { items } = await itemPage(send, `/logs/audit?${query}`, null, read);
    return items.filter((each) => each !== null);
  };
  const [attested, own, results] = await Promise.all([
    rows("command.published", LATEST, (item) => published(item, toLocal)),
    rows("command.issued", LATEST, (item) => issued(item, toLocal)),
    rows("command.result", 2 * LATEST, result),
  ]);
  return { commands: [...attested, ...own], results };
}

function row(audited: AuditedCommand): CommandRow {
  const { commandId, command, at, expiresAt, by } = audited;
  return { commandId, command, at, expiresAt, by, delivery: "sent", trouble: "", status: null, message: "" };
}

/** One row for each command, newest first. */
export function joinCommands(log: CommandLog, sent: readonly SentCommand[], answers: readonly Answered[]): readonly CommandRow[] {
  const rows = new Map<string, CommandRow>();
  for (const audited of log.commands) {
    const known = rows.get(audited.commandId);
    // The API's own row names the person; the broker's then names the API.
    rows.set(audited.commandId, known === undefined || !audited.isPublished ? row(audited) : known);
  }
  for (const { commandId, command, sentAt, expiresAt, delivery, trouble } of sent) {
    const by = rows.get(commandId)?.by ?? null;
    rows.set(commandId, { commandId, command, at: sentAt, expiresAt, by, delivery: by === null ? delivery : "sent", trouble, status: null, message: "" });
  }
  const told = new Map<string, { readonly status: CommandResult["status"]; readonly message: string }>(log.results.map((each) => [each.commandId, each]));
  answers.forEach((each) => told.set(each.command_id, each));
  return [...rows.values()]
    .map((each) => ({ ...each, status: told.get(each.commandId)?.status ?? null, message: told.get(each.commandId)?.message ?? "" }))
    .sort((left, right) => right.at - left.at)
    .slice(0, LATEST);
}
