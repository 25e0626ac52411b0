"use client";

/** The settings that the page shows; read anew when a heartbeat shows that somebody has changed something. */

import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";

import { CONFIG_PATH, EVERY_DEVICE, listSettings, type Setting, type SettingList } from "@/lib/api/config";
import { useDevices, useEngine } from "@/lib/engine/hooks";
import type { ListState } from "@/lib/query/hooks";

export interface Settings {
  /** The settings of all devices. */
  readonly ofAll: ReadonlyMap<string, Setting>;
  /** The chosen device's own; empty when none is chosen. */
  readonly own: ReadonlyMap<string, Setting>;
  /** What each device has of its own. */
  readonly ofEach: readonly Setting[];
  /** What a device must have reached: the chosen one, or any. */
  readonly version: number;
  readonly phase: ListState<Setting>["phase"];
  readonly trouble: string;
  readonly again: () => void;
}

/** Returns *items*, which come with the settings all at once, as a table takes them. */
export function listOf<T>({ phase, trouble, again }: Settings, items: readonly T[]): ListState<T> {
  return { items, phase, trouble, again, hasMore: false, loadingMore: false, more: () => undefined };
}

function useSettingList(device: string): UseQueryResult<SettingList> {
  const { api } = useEngine();
  return useQuery({ queryKey: [CONFIG_PATH, device], queryFn: () => listSettings(api.send, device) });
}

/** *device*: a device's id, or empty for all. */
export function useSettings(device: string): Settings {
  const ofAll = useSettingList("");
  const others = useSettingList(device === "" ? EVERY_DEVICE : device);
  useOthersChanges();
  const both = [ofAll, others];
  const failed = both.find((each) => each.failureReason !== null);
  const isReady = both.every((each) => each.data !== undefined);
  return {
    ofAll: byKey(ofAll.data?.items),
    own: byKey(device === "" ? [] : others.data?.items),
    ofEach: device === "" ? (others.data?.items ?? []) : [],
    version: (device === "" ? ofAll.data?.version : others.data?.version) ?? 0,
    phase: isReady ? "ready" : failed === undefined ? "loading" : "error",
    trouble: failed?.failureReason?.message ?? "",
    again: () => both.forEach((each) => void each.refetch()),
  };
}

/** A device that has applied a newer change than any before: somebody has made one, here or elsewhere. */
function useOthersChanges(): void {
  const client = useQueryClient();
  const newest = useDevices().reduce((most, device) => Math.max(most, device.figures?.config_version ?? 0), 0);
  useEffect(() => {
    void client.invalidateQueries({ queryKey: [CONFIG_PATH] });
  }, [client, newest]);
}

function byKey(items: readonly Setting[] | undefined): ReadonlyMap<string, Setting> {
  return new Map((items ?? []).map((each) => [each.key, each]));
}
