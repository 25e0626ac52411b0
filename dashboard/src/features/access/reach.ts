"use client";

/** What runs for a person, and which desktops know of their newest change. */

import { useQuery } from "@tanstack/react-query";

import { readReach, type Reach } from "@/lib/api/access";
import { useDevices, useEngine, usePresence } from "@/lib/engine/hooks";
import type { Device, Presence } from "@/lib/store/devices";

export interface ReachState {
  /** `null` until it was read. */
  readonly reach: Reach | null;
  /** Why it could not be read; empty when nothing is wrong. */
  readonly trouble: string;
  readonly again: () => void;
}

/** *moment*: another moment is another question, and what was answered in an earlier window counts for none. */
export function useReach(userId: string, moment: "before" | "after"): ReachState {
  const { api } = useEngine();
  const query = useQuery({ queryKey: ["reach", userId, moment], queryFn: () => readReach(api.send, userId), staleTime: 0, gcTime: 0 });
  return { reach: query.data ?? null, trouble: query.failureReason?.message ?? "", again: () => void query.refetch() };
}

export interface DesktopKnowledge {
  readonly clientId: string;
  readonly knows: boolean;
  readonly presence: Presence | null;
}

/** Whether a device's last heartbeat says that it holds the records up to *reach*; `null` when it holds none at all. */
export function knows(device: Pick<Device, "figures">, reach: Pick<Reach, "history" | "version">): boolean | null {
  const { history, identity_version: version } = device.figures ?? { history: null, identity_version: null };
  return version === null ? null : history === reach.history && version >= reach.version;
}

/** The desktops that mirror people, and whether each knows what *reach* says; by their heartbeats, so it moves by itself. */
export function useDesktops(reach: Reach | null): readonly DesktopKnowledge[] {
  const devices = useDevices();
  const presenceOf = usePresence();
  if (reach === null) {
    return [];
  }
  return devices
    .filter((device) => device.revokedAt === null)
    .flatMap((device) => {
      const known = knows(device, reach);
      return known === null ? [] : [{ clientId: device.clientId, knows: known, presence: presenceOf(device) }];
    });
}
