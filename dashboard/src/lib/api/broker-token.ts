/** The token that opens the browser's MQTT connection: `POST /broker/token`. It lives in memory only. */

import type { Send } from "@/lib/api/http";
import { ApiProblem } from "@/lib/api/problem";
import { fields, list, optionalTime, text, time, type Fields } from "@/lib/api/reading";
import type { Clock } from "@/lib/time/clock";

export interface BrokerToken {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly wsUrl: string;
  /** On this browser's clock, in ms, like `expiresAt`. */
  readonly fetchedAt: number;
  readonly expiresAt: number;
  /** The topic filters that may be subscribed; left out when the server did not say. */
  readonly subscribable?: readonly string[];
}

export type FetchToken = () => Promise<BrokerToken>;

/** Trying again cannot help; `message` is for people. */
export class TokenDenied extends Error {}

function isGrant(rule: Fields): boolean {
  return text(rule, "permission") === "allow" && ["subscribe", "all"].includes(text(rule, "action"));
}

/** Reads the answer; the life is taken from the server's two times, so a wrong clock here does no harm. */
export function readBrokerToken(body: unknown, serverTime: number | null, now: number): BrokerToken {
  const found = fields(body, "broker token");
  const lifeMs = time(found, "expires_at") - (optionalTime(found, "server_time") ?? serverTime ?? now);
  return {
    clientId: text(found, "client_id"),
    username: text(found, "username"),
    password: text(found, "password"),
    wsUrl: text(found, "ws_url"),
    fetchedAt: now,
    expiresAt: now + lifeMs,
    subscribable: list(found.acl, "acl").map((each) => fields(each, "acl")).filter(isGrant).map((each) => text(each, "topic")),
  };
}

/** Returns a function that asks for a fresh token through *send* (which adds the access token). */
export function tokenFetcher(send: Send, clock: Clock): FetchToken {
  return async () => {
    try {
      const now = clock.now();
      const answer = await send({ method: "POST", path: "/broker/token", body: {} });
      return readBrokerToken(answer.body, answer.serverTime, now);
    } catch (error) {
      if (error instanceof ApiProblem && (error.status === 401 || error.status === 403)) {
        throw new TokenDenied(error.message);
      }
      throw error;
    }
  };
}
