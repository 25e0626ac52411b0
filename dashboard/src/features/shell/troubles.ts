"use client";

import { useSyncExternalStore } from "react";

import { useEngine, useJudgingTime, useValue } from "@/lib/engine/hooks";
import type { LinkState } from "@/lib/mqtt/link";
import { serviceState, serviceStatus, type Service } from "@/lib/store/services";
import type { Trouble } from "@/lib/store/troubles";
import { formatClock } from "@/lib/values/format";

/** A first try right after a cut mostly works; the banner is for what lasts. */
const TRIES_BEFORE_BANNER = 2;
/** A clock that is further off confuses people who compare times; what the page computes is corrected all the same. */
const CLOCK_LIMIT_MS = 60_000;
const MINUTE_MS = 60_000;

function linkTrouble(link: LinkState, browserOnline: boolean, lastMessageAt: number | null): Trouble | null {
  if (link.phase === "refused") {
    return { id: "broker", severity: "error", title: "No live data", text: `${link.reason} Ask an administrator for the right to view the dashboard.` };
  }
  if (link.phase === "online" || link.phase === "stopped") {
    return null;
  }
  const since = lastMessageAt === null ? "" : ` Values on the screen are from ${formatClock(lastMessageAt)}.`;
  if (!browserOnline) {
    return { id: "browser", severity: "warning", title: "This browser has no network", text: `Check its cable or Wi-Fi.${since} It goes on by itself; no reading is lost, devices keep them.` };
  }
  if (link.attempt < TRIES_BEFORE_BANNER) {
    return null;
  }
  return {
    id: "broker",
    severity: "warning",
    title: "The broker cannot be reached",
    text: `${link.reason}${since} It is tried again by itself; no reading is lost, devices keep them.`,
  };
}

function databaseTrouble(services: readonly Service[], now: number): Trouble | null {
  const away = services.some((each) => serviceStatus(each, now) === "DEGRADED" && (each.checks.get("database") ?? "ok") !== "ok");
  return away
    ? {
        id: "database",
        severity: "error",
        title: "The database does not answer",
        text: "Live values go on. History, lists and changes wait until it is back, and devices keep their readings until they are archived. Whoever runs the server should look at PostgreSQL.",
      }
    : null;
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
    text: "The ingest worker is not well. Live values go on, and devices keep their readings until it has confirmed them. Whoever runs the server should look at its log.",
  };
}

function clockTrouble(serverAheadMs: number): Trouble | null {
  if (Math.abs(serverAheadMs) < CLOCK_LIMIT_MS) {
    return null;
  }
  const minutes = Math.round(Math.abs(serverAheadMs) / MINUTE_MS);
  return {
    id: "clock",
    severity: "warning",
    title: `This computer's clock is ${minutes} min ${serverAheadMs > 0 ? "slow" : "fast"}`,
    text: "Set it, or times on this screen differ from those of the server and of other people.",
  };
}

function followNetwork(run: () => void): () => void {
  window.addEventListener("online", run);
  window.addEventListener("offline", run);
  return () => {
    window.removeEventListener("online", run);
    window.removeEventListener("offline", run);
  };
}

/** What is wrong now, from the stores and from the states of browser, link, clock and services. */
export function useTroubles(): readonly Trouble[] {
  const engine = useEngine();
  const raised = useValue(engine.troubles.all);
  const link = useValue(engine.linkState);
  const services = useValue(engine.services.all);
  const offset = useValue(engine.api.clockOffset);
  const browserOnline = useSyncExternalStore(followNetwork, () => navigator.onLine, () => true);
  const now = useJudgingTime();
  const database = databaseTrouble(services, now);
  const found = [
    linkTrouble(link, browserOnline, engine.feed.lastMessageAt()),
    now > 0 ? (database ?? archiveTrouble(services, now)) : null,
    clockTrouble(offset),
  ];
  return [...raised, ...found.filter((each) => each !== null)];
}
