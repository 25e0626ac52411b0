"use client";

import type { ReactElement, ReactNode } from "react";

import { Dot, type Tone } from "@/components/ui/dot";
import { useDevices, useEngine, useJudgingTime, useNow, usePresence, useStatus, useValue } from "@/lib/engine/hooks";
import { bufferOf } from "@/lib/store/devices";
import { serviceState } from "@/lib/store/services";
import { timeOf } from "@/lib/time/clock";
import { formatAge, formatCount } from "@/lib/values/format";

/** The four figures that one looks at first. */
export function Summary(): ReactElement {
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line shadow-card lg:grid-cols-4">
      <ActiveDevices />
      <BufferedRecords />
      <SystemStatus />
      <LastSync />
    </dl>
  );
}

interface CardProps {
  readonly label: string;
  readonly note: ReactNode;
  readonly children: ReactNode;
}

function Card({ label, note, children }: CardProps): ReactElement {
  return (
    <div className="min-w-0 bg-surface px-4 py-2.5">
      <dt className="text-xs text-muted">{label}</dt>
      <dd className="num mt-0.5 flex flex-wrap items-baseline gap-x-2">
        <span className="text-lg font-semibold tracking-tight">{children}</span>
        <span className="truncate text-xs text-faint">{note}</span>
      </dd>
    </div>
  );
}

function useLoaded(): boolean {
  return useValue(useEngine().refetcher.loaded);
}

function ActiveDevices(): ReactElement {
  const loaded = useLoaded();
  const devices = useDevices().filter((each) => each.revokedAt === null);
  const presence = usePresence();
  const active = devices.filter((each) => (presence(each) ?? "OFFLINE") !== "OFFLINE").length;
  const away = devices.length - active;
  return (
    <Card label="Active devices" note={!loaded ? "loading" : away === 0 ? `of ${devices.length}` : `of ${devices.length}, ${away} away`}>
      {loaded ? active : "–"}
    </Card>
  );
}

function BufferedRecords(): ReactElement {
  const loaded = useLoaded();
  // What a revoked device still holds can never arrive.
  const devices = useDevices().filter((each) => each.revokedAt === null);
  const at = useJudgingTime();
  const found = devices.map((each) => bufferOf(each, at)).filter((each) => each !== null);
  const estimated = found.some((each) => each.estimated);
  const count = found.reduce((sum, each) => sum + each.count, 0);
  return (
    <Card label="Buffered records" note={!loaded ? "loading" : estimated ? "partly estimated" : count === 0 ? "all archived" : "on devices"}>
      {loaded ? `${estimated ? "≈ " : ""}${formatCount(count)}` : "–"}
    </Card>
  );
}

function worst(states: readonly (string | null)[]): { readonly tone: Tone; readonly word: string } {
  if (states.includes("OFFLINE")) {
    return { tone: "down", word: "Incomplete" };
  }
  if (states.includes("DEGRADED")) {
    return { tone: "warn", word: "Degraded" };
  }
  return states.includes(null) ? { tone: "idle", word: "Waiting" } : { tone: "ok", word: "All well" };
}

function SystemStatus(): ReactElement {
  const engine = useEngine();
  const services = useValue(engine.services.all);
  const api = useValue(engine.api.state);
  const connection = useStatus().connection;
  const { lastUpAt } = useValue(engine.linkState);
  const at = useJudgingTime();
  const named = [
    { name: "broker", state: connection === "online" ? "ONLINE" : lastUpAt === null ? null : "OFFLINE" },
    { name: "API", state: api === "ok" ? "ONLINE" : api === "unknown" ? null : "OFFLINE" },
    { name: "ingest", state: serviceState(services, "ingest", at) },
    { name: "database", state: databaseState(engine.services.all.get().flatMap((each) => [...each.checks])) },
  ];
  const { tone, word } = worst(named.map((each) => each.state));
  const bad = named.filter((each) => each.state === "OFFLINE" || each.state === "DEGRADED").map((each) => each.name);
  return (
    <Card label="System status" note={bad.length === 0 ? "broker, API, ingest, database" : bad.join(", ")}>
      <span className="flex items-center gap-2">
        <Dot tone={tone} />
        {word}
      </span>
    </Card>
  );
}

function databaseState(checks: readonly (readonly [string, string])[]): string | null {
  const said = checks.filter(([name]) => name === "database").map(([, state]) => state);
  if (said.length === 0) {
    return null;
  }
  return said.every((each) => each === "ok") ? "ONLINE" : "DEGRADED";
}

function LastSync(): ReactElement {
  const times = useDevices().map((each) => timeOf(each.figures?.last_sync_at ?? null) ?? 0);
  const now = useNow();
  const newest = Math.max(0, ...times);
  return (
    <Card label="Last sync" note="newest backlog flushed">
      {newest === 0 || now === 0 ? "–" : formatAge(Math.max(0, now - newest))}
    </Card>
  );
}
