/** Rows of the audit log and of the rejected messages as events; `null` for what the recent log does not show. Pure. */

import { parseAuditRecord, parseCommandResult } from "@/contract/payloads";
import { isDeviceId } from "@/contract/topics";
import { fields, optionalText, text, time, wholeNumber, type Fields } from "@/lib/api/reading";
import { commandOf, eventOfPublished, eventOfResult } from "@/lib/engine/command-events";
import type { LogEvent } from "@/lib/store/events";
import { principalText } from "@/lib/values/principal";

const MOST_LETTERS = 200;
const SESSIONS = new Map<string, Pick<LogEvent, "tone" | "text">>([
  ["session.started", { tone: "plain", text: "signed in" }],
  ["session.ended", { tone: "plain", text: "signed out" }],
  ["session.refused", { tone: "warn", text: "sign-in refused" }],
  ["session.ended_by_reuse", { tone: "down", text: "session ended: a used cookie came back" }],
]);

/** *toLocal*: turns the server's time into this browser's. */
export function auditEvent(row: Fields, toLocal: (at: number) => number): LogEvent | null {
  const at = toLocal(time(row, "at"));
  const action = text(row, "action");
  const session = SESSIONS.get(action);
  if (session !== undefined) {
    const who = principalText(text(row, "actor")).slice(0, MOST_LETTERS);
    const address = optionalText(row, "address");
    return { key: `audit ${wholeNumber(row, "id")}`, at, kind: "sign-in", clientId: "", ...session, detail: address === null ? who : `${who} from ${address}` };
  }
  switch (action) {
    case "command.published": {
      const record = parseAuditRecord(row.detail);
      const command = record.ok ? commandOf(record.value) : null;
      return command === null ? null : eventOfPublished(command, at);
    }
    case "command.issued":
      return issued(row, at);
    case "command.result": {
      const result = parseCommandResult(row.detail);
      return result.ok ? eventOfResult(deviceOf(text(row, "entity_id")), result.value, at) : null;
    }
    default:
      return null;
  }
}

/** A command that the API published for a person. */
function issued(row: Fields, at: number): LogEvent {
  const detail = fields(row.detail, "detail");
  const command = { commandId: text(detail, "command_id"), command: text(detail, "command"), clientId: deviceOf(text(row, "entity_id")), principal: text(row, "actor") };
  return eventOfPublished(command, at);
}

export function rejectEvent(row: Fields, toLocal: (at: number) => number): LogEvent {
  return {
    key: `reject ${wholeNumber(row, "id")}`,
    at: toLocal(time(row, "received_at")),
    kind: "rejected",
    clientId: deviceOf(optionalText(row, "client_id") ?? ""),
    tone: "warn",
    text: "rejected",
    detail: text(row, "reason").slice(0, MOST_LETTERS),
  };
}

function deviceOf(id: string): string {
  return isDeviceId(id) ? id : "";
}
