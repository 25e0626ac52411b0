/** How long an integration's token still lives, in words. */

import type { Integration } from "@/lib/api/integrations";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** From here on somebody should see to a new token. */
const SOON_MS = 14 * DAY_MS;

const DAY = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

export function formatDay(atMs: number): string {
  return DAY.format(atMs);
}

export interface Life {
  readonly label: string;
  readonly tone: "ok" | "warn" | "down" | "plain";
}

/** The state to show at *now*: a token runs out by itself, whatever the list said when it was fetched. */
export function lifeOf(integration: Integration, now: number): Life {
  if (integration.state === "ended") {
    return { label: integration.endReason === "revoked" ? "Revoked" : "Ended", tone: "down" };
  }
  const leftMs = integration.expiresAt - now;
  if (integration.state === "expired" || (now > 0 && leftMs <= 0)) {
    return { label: "Expired", tone: "plain" };
  }
  return now > 0 && leftMs <= SOON_MS ? { label: `Expires in ${inWords(leftMs)}`, tone: "warn" } : { label: "Active", tone: "ok" };
}

export function canBeRevoked(integration: Integration, now: number): boolean {
  return integration.state === "running" && integration.expiresAt > now;
}

function inWords(leftMs: number): string {
  return leftMs < DAY_MS ? `${Math.max(1, Math.floor(leftMs / HOUR_MS))} h` : `${Math.floor(leftMs / DAY_MS)} d`;
}
