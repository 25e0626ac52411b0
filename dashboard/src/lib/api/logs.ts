/** The log calls: audit, sync and rejected messages, read into the dashboard's own types. What devices sent is text. */

import { optionalText, optionalTime, text, time, wholeNumber, type Fields } from "@/lib/api/reading";

export interface AuditEntry {
  readonly id: bigint;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string;
  /** The state before and after, as JSON; `null` where there is none. */
  readonly before: unknown;
  readonly after: unknown;
  readonly detail: unknown;
  readonly address: string | null;
}

export const SYNC_STATUSES = ["APPLIED", "CONFLICT", "REFUSED", "FAILED"] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

export interface SyncEntry {
  readonly id: bigint;
  readonly at: number;
  readonly entityType: string;
  readonly entityId: string;
  readonly action: string;
  readonly source: string;
  readonly by: string;
  /** One of `SYNC_STATUSES`, or what a later server says. */
  readonly status: string;
  readonly reason: string | null;
  readonly oldValue: unknown;
  readonly newValue: unknown;
  readonly changeId: string | null;
}

export interface RejectEntry {
  readonly id: bigint;
  readonly receivedAt: number;
  readonly clientId: string | null;
  readonly stream: string | null;
  readonly sequenceNo: bigint | null;
  readonly topic: string;
  readonly reason: string;
  readonly excerpt: string;
  /** When a valid copy of the reading was archived. */
  readonly supersededAt: number | null;
}

export function auditEntry(item: Fields): AuditEntry {
  return {
    id: wholeNumber(item, "id"),
    at: time(item, "at"),
    actor: text(item, "actor"),
    action: text(item, "action"),
    entityType: text(item, "entity_type"),
    entityId: text(item, "entity_id"),
    before: item.before ?? null,
    after: item.after ?? null,
    detail: item.detail ?? null,
    address: optionalText(item, "address"),
  };
}

export function syncEntry(item: Fields): SyncEntry {
  return {
    id: wholeNumber(item, "id"),
    at: time(item, "at"),
    entityType: text(item, "entity_type"),
    entityId: text(item, "entity_id"),
    action: text(item, "action"),
    source: text(item, "source"),
    by: text(item, "by"),
    status: text(item, "status"),
    reason: optionalText(item, "reason"),
    oldValue: item.old_value ?? null,
    newValue: item.new_value ?? null,
    changeId: optionalText(item, "change_id"),
  };
}

export function rejectEntry(item: Fields): RejectEntry {
  return {
    id: wholeNumber(item, "id"),
    receivedAt: time(item, "received_at"),
    clientId: optionalText(item, "client_id"),
    stream: optionalText(item, "stream"),
    sequenceNo: typeof item.sequence_no === "bigint" ? item.sequence_no : null,
    topic: text(item, "topic"),
    reason: text(item, "reason"),
    excerpt: text(item, "excerpt"),
    supersededAt: optionalTime(item, "superseded_at"),
  };
}
