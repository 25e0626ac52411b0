"use client";

/** What the device pages read from the API beside the live stores, and when it is read anew. */

import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";

import { useAllowed } from "@/features/shell/allowed";
import { deviceAccount, settingsOf, type DeviceAccount, type DeviceSettings } from "@/lib/api/devices";
import { listDevices } from "@/lib/api/endpoints";
import { useDevice, useEngine } from "@/lib/engine/hooks";

/** Registrations and revocations are not told over the broker, so the list is read anew while it is looked at. */
const LIST_EVERY_MS = 15_000;

/** Reads the list of devices anew into the live store. */
export function useReloadDevices(): () => Promise<void> {
  const { api, devices } = useEngine();
  return useCallback(async () => devices.list(await listDevices(api.send, api.toLocal)), [api, devices]);
}

/** Keeps registrations and revocations current while a page of devices is open. */
export function useFreshDevices(): void {
  const reload = useReloadDevices();
  const mayView = useAllowed("VIEW_DASHBOARD");
  useQuery({
    queryKey: ["/devices", "registered"],
    queryFn: async () => {
      await reload();
      return Date.now();
    },
    enabled: mayView,
    refetchInterval: LIST_EVERY_MS,
  });
}

interface AccountOptions {
  /** Whether it is wanted at present; a row off the screen wants nothing. */
  readonly wanted: boolean;
  /** How old it may be when the device speaks, in ms. */
  readonly mayBeOldMs: number;
}

/** A device's integrity: read anew when the device has spoken and what is known has become old. */
export function useAccount(clientId: string, { wanted, mayBeOldMs }: AccountOptions): UseQueryResult<DeviceAccount> {
  const { api } = useEngine();
  const spokeAt = useDevice(clientId)?.figures?.timestamp ?? "";
  const query = useQuery({
    queryKey: ["/devices", "integrity", clientId],
    queryFn: () => deviceAccount(api.send, clientId),
    enabled: wanted,
    staleTime: mayBeOldMs,
  });
  const { refetch, dataUpdatedAt } = query;
  useEffect(() => {
    if (wanted && dataUpdatedAt > 0 && Date.now() - dataUpdatedAt >= mayBeOldMs) {
      void refetch({ cancelRefetch: false });
    }
    // What it was read at changes with every answer: only the device's word asks for the next one.
  }, [spokeAt, wanted, mayBeOldMs, refetch]);
  return query;
}

/** The settings of one device alone or of all (empty id); only for those who may read them. */
export function useDeviceSettings(clientId: string, wanted: boolean): UseQueryResult<DeviceSettings> {
  const { api } = useEngine();
  const mayRead = useAllowed("EDIT_CONFIG");
  return useQuery({
    queryKey: ["/config", "of-device", clientId],
    queryFn: () => settingsOf(api.send, clientId),
    enabled: wanted && mayRead,
    staleTime: LIST_EVERY_MS,
    refetchInterval: LIST_EVERY_MS,
  });
}
