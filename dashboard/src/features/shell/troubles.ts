"use client";

import { useEngine, useNow, useValue } from "@/lib/engine/hooks";
import type { LinkState } from "@/lib/mqtt/link";
import { serviceState, type Service } from "@/lib/store/services";
import type { Trouble } from "@/lib/store/troubles";
import { formatClock } from "@/lib/values/format";

/** A first try right after a cut mostly works; the banner is for what lasts. */
const TRIES_BEFORE_BANNER = 2;

function linkTrouble(link: LinkState, lastMessageAt: number | null): Trouble | null {
  if (link.phase === "refused") {
    return { id: "broker", severity: "error", title: "No live data", text: `${link.reason} Ask an administrator for the right to view the dashboard.` };
  }
  if (link.attempt < TRIES_BEFORE_BANNER || link.phase === "online") {
    return null;
  }
  const since = lastMessageAt === null ? "" : ` Values on the screen are from ${formatClock(lastMessageAt)}.`;
  return {
    id: "broker",
    severity: "warning",
    title: "The broker cannot be reached",
    text: `${link.reason}${since} It is tried again by itself; no reading is lost, devices keep them.`,
  };
}

function archiveTrouble(services: readonly Service[], now: number): Trouble | null {
  const state = serviceState(services, "ingest", now);
  if (state === null || state === "ONLINE") {
    return null;
  }
  return {
    id: "ingest",
    severity: "warning",
    title: state === "DEGRADED" ? "The archive has a problem" : "Readings are not being archived",
    text: "The ingest worker is not well. Live values go on, and devices keep their readings until it has confirmed them.",
  };
}

/** What is wrong now, from the stores and from the states of link and services. */
export function useTroubles(): readonly Trouble[] {
  const engine = useEngine();
  const raised = useValue(engine.troubles.all);
  const link = useValue(engine.linkState);
  const services = useValue(engine.services.all);
  const now = useNow();
  const online = link.phase === "online";
  const found = [linkTrouble(link, engine.feed.lastMessageAt()), online && now > 0 ? archiveTrouble(services, now) : null];
  return [...raised, ...found.filter((each) => each !== null)];
}
