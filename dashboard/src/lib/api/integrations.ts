/** The calls of the integrations page: tokens of other programs, and what a person may let them read. */

import type { Send } from "@/lib/api/http";
import { fields, flag, optionalText, optionalTime, text, texts, time, type Fields } from "@/lib/api/reading";

export const INTEGRATIONS = "/integrations";
/** Public: the certificate of the authority that signed the broker's. */
export const CA_CERTIFICATE = "/.well-known/pulse-ca.pem";

export interface Integration {
  readonly id: string;
  readonly name: string;
  readonly topics: readonly string[];
  readonly clientId: string;
  /** `ended`: revoked, or its maker lost a right; `expired`: it has run out. */
  readonly state: "running" | "expired" | "ended";
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly endedAt: number | null;
  readonly endedBy: string | null;
  readonly endReason: string | null;
}

/** What the program connects with; the password is given this once. */
export interface IssuedIntegration {
  readonly name: string;
  readonly topics: readonly string[];
  readonly expiresAt: number;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly mqttsUrl: string;
  readonly wssUrl: string;
  readonly wsUrl: string;
  /** The certificate of the broker's authority; empty when it could not be had. */
  readonly caPem: string;
}

export interface WantedIntegration {
  readonly name: string;
  readonly topics: readonly string[];
  readonly days: number;
}

export function readIntegration(item: Fields): Integration {
  const state = text(item, "state");
  return {
    id: text(item, "id"),
    name: text(item, "name"),
    topics: texts(item, "topics"),
    clientId: text(item, "client_id"),
    state: state === "running" || state === "expired" ? state : "ended",
    createdBy: text(item, "created_by"),
    createdAt: time(item, "created_at"),
    expiresAt: time(item, "expires_at"),
    endedAt: optionalTime(item, "ended_at"),
    endedBy: optionalText(item, "ended_by"),
    endReason: optionalText(item, "end_reason"),
  };
}

export async function createIntegration(send: Send, wanted: WantedIntegration): Promise<IssuedIntegration> {
  const body = { name: wanted.name, topics: wanted.topics, lifetime_days: wanted.days };
  const found = fields((await send({ method: "POST", path: INTEGRATIONS, body })).body, "integration token");
  const made = readIntegration(fields(found.integration, "integration"));
  return {
    name: made.name,
    topics: made.topics,
    expiresAt: made.expiresAt,
    clientId: text(found, "client_id"),
    username: text(found, "username"),
    password: text(found, "password"),
    mqttsUrl: text(found, "mqtts_url"),
    wssUrl: text(found, "wss_url"),
    wsUrl: text(found, "ws_url"),
    caPem: await caCertificate(),
  };
}

/** The token is there already: a certificate that cannot be had must not take it away again. */
async function caCertificate(): Promise<string> {
  try {
    const answer = await fetch(CA_CERTIFICATE, { credentials: "omit", signal: AbortSignal.timeout(5_000) });
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

export async function revokeIntegration(send: Send, id: string): Promise<void> {
  await send({ method: "DELETE", path: `${INTEGRATIONS}/${encodeURIComponent(id)}` });
}

/** Why *username* may not subscribe to *filter*; empty when they may. */
export async function whyNotReadable(send: Send, username: string, filter: string): Promise<string> {
  const query = new URLSearchParams({ principal: `user:${username}`, action: "subscribe", topic: filter });
  const found = fields((await send({ method: "GET", path: `/acl/explain?${query.toString()}` })).body, "explanation");
  return flag(found, "allowed") ? "" : (optionalText(found, "reason") ?? "no rule allows it");
}
