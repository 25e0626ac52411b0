/** What stands in the logs as codes, in words; what is not known here is shown as the server says it. */

import type { AuditEntry, SyncEntry } from "@/lib/api/logs";

/** Kinds of records by their names in the logs. */
export const KINDS: readonly (readonly [string, string])[] = [
  ["user", "User"],
  ["role", "Role"],
  ["permission", "Permission"],
  ["user_role", "Role of a user"],
  ["role_permission", "Permission of a role"],
  ["setting", "Setting"],
  ["device", "Device"],
  ["integration", "Integration"],
];

/** What the audit log holds, for the filter. */
export const ACTIONS: readonly (readonly [string, string])[] = [
  ["session.started", "Signed in"],
  ["session.refused", "Sign-in refused"],
  ["session.ended", "Signed out"],
  ["session.ended_by_reuse", "Session ended: its cookie was used twice"],
  ["change.refused", "Change refused"],
  ["setting.created", "Setting set"],
  ["setting.changed", "Setting changed"],
  ["setting.restored", "Setting set again"],
  ["setting.deleted", "Setting taken back"],
  ["user.created", "User created"],
  ["user.changed", "User changed"],
  ["user.password_changed", "Password changed"],
  ["user.activated", "User activated"],
  ["user.deactivated", "User deactivated"],
  ["user.deleted", "User deleted"],
  ["user_role.added", "Role given"],
  ["user_role.removed", "Role taken away"],
  ["role.created", "Role created"],
  ["role.changed", "Role changed"],
  ["role.deleted", "Role deleted"],
  ["role_permission.added", "Permission given"],
  ["role_permission.removed", "Permission taken away"],
  ["permission.created", "Permission created"],
  ["permission.changed", "Permission changed"],
  ["permission.deleted", "Permission deleted"],
  ["enrollment_code.made", "Enrollment code made"],
  ["device.enrolled", "Device enrolled"],
  ["device.revoked", "Device revoked"],
  ["command.published", "Command sent"],
  ["command.result", "Command answered"],
  ["integration.created", "Integration created"],
  ["integration.revoked", "Integration revoked"],
  ["telemetry.export_link_made", "Export asked for"],
];

const ACTION_WORDS = new Map(ACTIONS);
const KIND_WORDS = new Map(KINDS);
const NAMED_BY = ["username", "name", "client_id", "user", "role"] as const;
const SHORT_ID = 8;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/iu;

export function actionText(action: string): string {
  return ACTION_WORDS.get(action) ?? sentenceCase(action);
}

export function kindText(kind: string): string {
  return KIND_WORDS.get(kind) ?? sentenceCase(kind);
}

/** The record that an audit entry is about, by its name where there is one. */
export function auditRecord(entry: AuditEntry): string {
  const { entityType, entityId, after, before, detail } = entry;
  if (entityType === "user_role" || entityType === "role_permission") {
    const [first, second] = entityType === "user_role" ? (["user", "role"] as const) : (["role", "permission"] as const);
    const names = [textIn(detail, first), textIn(detail, second)].filter((each) => each !== null);
    return names.length === 2 ? names.join(": ") : shortId(entityId);
  }
  return recordName(entityType, entityId, [after, before, detail]);
}

/** The record of a sync entry; in a conflict by the name that it kept. */
export function syncRecord({ entityType, entityId, status, oldValue, newValue }: SyncEntry): string {
  return recordName(entityType, entityId, status === "CONFLICT" ? [oldValue, newValue] : [newValue, oldValue]);
}

/** `LATER_VALUE: a later value stands` in its parts. */
export function reasonParts(reason: string): { readonly code: string; readonly message: string } {
  const found = /^([A-Z_]+): (.*)$/su.exec(reason);
  return found === null ? { code: "", message: reason } : { code: found[1] ?? "", message: found[2] ?? "" };
}

function recordName(kind: string, id: string, documents: readonly unknown[]): string {
  if (kind === "setting") {
    const cut = id.lastIndexOf("/");
    const device = id.slice(cut + 1);
    return cut < 0 ? id : `${id.slice(0, cut)}${device === "" ? "" : ` on ${device}`}`;
  }
  for (const document of documents) {
    for (const name of NAMED_BY) {
      const found = textIn(document, name);
      if (found !== null) {
        return found;
      }
    }
  }
  return shortId(id);
}

export function textIn(document: unknown, name: string): string | null {
  const found = typeof document === "object" && document !== null ? (document as Readonly<Record<string, unknown>>)[name] : null;
  return typeof found === "string" && found !== "" ? found : null;
}

function shortId(id: string): string {
  return id
    .split("/")
    .map((each) => (UUID.test(each) ? each.slice(-SHORT_ID) : each))
    .join(" / ");
}

function sentenceCase(code: string): string {
  const words = code.replace(/[._]/gu, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
