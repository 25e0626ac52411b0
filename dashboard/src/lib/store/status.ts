/**
 * The connection state that people see (B5), made from the link, the session and what is being refetched.
 *
 * Green: the broker session is up. Amber: reconnecting or refetching. Red: no session. The API's state stands apart.
 */

import type { LinkState } from "@/lib/mqtt/link";

export type ConnectionState = "online" | "syncing" | "disconnected";

export interface Status {
  readonly connection: ConnectionState;
  readonly label: "Online" | "Offline – Syncing" | "Disconnected";
  /** Why, in a sentence; empty when online. */
  readonly detail: string;
}

export type ApiState = "ok" | "unreachable" | "unknown";

/** *refetching*: the screen is being brought up to date after a gap. */
export function statusOf(link: LinkState, signedIn: boolean, refetching: boolean): Status {
  if (!signedIn || link.phase === "stopped" || link.phase === "refused") {
    const unwanted = signedIn ? "Your roles do not include live data." : "Nobody is signed in.";
    return { connection: "disconnected", label: "Disconnected", detail: link.reason === "" ? unwanted : link.reason };
  }
  if (link.phase === "online" && !refetching) {
    return { connection: "online", label: "Online", detail: "" };
  }
  const detail = link.phase === "online" ? "Fetching what happened in the meantime." : link.reason;
  return { connection: "syncing", label: "Offline – Syncing", detail: detail === "" ? "Connecting to the broker." : detail };
}
