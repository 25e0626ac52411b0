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

/** The state to show: a token runs out by itself, whatever the list said when it was fetched. *leftMs*: 0 or less when it has; `null` before the page runs. */
export function lifeOf(integration: Integration, leftMs: number | null): Life {
  if (integration.state === "ended") {
    return { label: integration.endReason === "revoked" ? "Revoked" : "Ended", tone: "down" };
  }
  if (integration.state === "expired" || (leftMs !== null && leftMs <= 0)) {
    return { label: "Expired", tone: "plain" };
  }
  return leftMs !== null && leftMs <= SOON_MS ? { label: `Expires in ${inWords(leftMs)}`, tone: "warn" } : { label: "Active", tone: "ok" };
}

function inWords(leftMs: number): string {
  return leftMs < DAY_MS ? `${Math.max(1, Math.floor(leftMs / HOUR_MS))} h` : `${Math.floor(leftMs / DAY_MS)} d`;
}
