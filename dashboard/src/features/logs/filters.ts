"use client";

/** What of a log is shown, as it stands in the page's address, and the API's query for it. */

import { useMemo } from "react";

import { useEngine } from "@/lib/engine/hooks";
import { useAddress } from "@/lib/query/address";
import { principalOf } from "@/lib/values/principal";

export const TABS = ["sync", "audit", "rejects"] as const;
export type Tab = (typeof TABS)[number];

const FILTERS = ["who", "device", "kind", "record", "action", "status", "command", "period", "from", "to"] as const;
export type Filter = (typeof FILTERS)[number];
/** What stays when another log is looked at. */
const OF_ONE_LOG = { kind: "", record: "", action: "", status: "", command: "" } as const;

const MINUTE_MS = 60_000;
const SPANS = new Map([
  ["1h", 60 * MINUTE_MS],
  ["24h", 24 * 60 * MINUTE_MS],
  ["7d", 7 * 24 * 60 * MINUTE_MS],
]);
/** The period that has its own beginning and end. */
export const OWN_PERIOD = "own";
export const PAGE_ITEMS = 50;

export type Filters = Readonly<Record<Filter, string>>;

interface LogAddress {
  readonly tab: Tab;
  readonly filters: Filters;
  readonly isFiltered: boolean;
  readonly show: (tab: Tab) => void;
  readonly set: (changes: Partial<Filters>, step?: boolean) => void;
  readonly clear: () => void;
}

export function useLogAddress(): LogAddress {
  const address = useAddress();
  const filters = Object.fromEntries(FILTERS.map((name) => [name, address.get(name)])) as Filters;
  return {
    tab: TABS.find((each) => each === address.get("tab")) ?? "sync",
    filters,
    isFiltered: FILTERS.some((name) => filters[name] !== ""),
    show: (tab) => address.set({ tab, ...OF_ONE_LOG }),
    set: (changes, step) => address.set(changes, step),
    clear: () => address.set(Object.fromEntries(FILTERS.map((name) => [name, ""]))),
  };
}

/** The path of a log with *asked* and the period; the beginning of "the last hour" stands still until another is chosen. */
export function useLogPath(log: Tab, filters: Filters, asked: Readonly<Record<string, string>>): string {
  const { api } = useEngine();
  const { period, from, to } = filters;
  const since = useMemo(() => {
    const span = SPANS.get(period);
    return span === undefined ? "" : new Date(Math.floor((api.serverNow() - span) / MINUTE_MS) * MINUTE_MS).toISOString();
  }, [api, period]);
  const own = period === OWN_PERIOD;
  const query = new URLSearchParams({ limit: String(PAGE_ITEMS) });
  for (const [name, value] of Object.entries({ ...asked, from: own ? from : since, to: own ? to : "" })) {
    if (value !== "") {
      query.set(name, value);
    }
  }
  return `/logs/${log}?${query.toString()}`;
}

export function auditQuery({ who, device, kind, record, action, command }: Filters): Readonly<Record<string, string>> {
  const about = device === "" ? { entity_type: kind, entity_id: record } : { entity_type: "device", entity_id: device };
  return { actor: principalOf(who), action, command_id: command, ...about };
}

export function syncQuery({ who, device, kind, record, status }: Filters): Readonly<Record<string, string>> {
  return { by: principalOf(who), source: device === "" ? "" : `desktop:${device}`, entity_type: kind, entity_id: record, status };
}

export function rejectsQuery({ device }: Filters): Readonly<Record<string, string>> {
  return { client_id: device };
}
