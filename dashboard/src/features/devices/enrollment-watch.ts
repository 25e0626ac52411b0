"use client";

/** Tells when a device has come in: the registration is no message of the broker, so the list is asked while a code is open. */

import { useQuery } from "@tanstack/react-query";

import { listDevices } from "@/lib/api/endpoints";
import { useEngine } from "@/lib/engine/hooks";

const LOOK_EVERY_MS = 1_500;

/** Device ids with the time of their enrollment. */
export type Registered = ReadonlyMap<string, number | null>;

/** The device that has enrolled since *before* was read, and which the code was for. Pure. */
export function whoCameIn(before: Registered, now: Registered, clientId: string): string | null {
  return [...now].find(([id, enrolledAt]) => (clientId === "" || id === clientId) && before.get(id) !== enrolledAt)?.[0] ?? null;
}

/** Returns the device that used the code; `null` until then. *clientId*: the only one it is good for, or empty. */
export function useEnrollmentWatch(before: Registered | null, clientId: string, codeIsGood: boolean): string | null {
  const { api, devices } = useEngine();
  const { data } = useQuery({
    // A map is no part of a key: each dialog makes its own.
    queryKey: ["enrollment-watch", clientId, before === null ? 0 : [...before].join("\n")],
    queryFn: async (): Promise<string | null> => {
      const listed = await listDevices(api.send, api.toLocal);
      devices.list(listed);
      return before === null ? null : whoCameIn(before, new Map(listed.map((each) => [each.clientId, each.enrolledAt])), clientId);
    },
    enabled: before !== null && codeIsGood,
    refetchInterval: (query) => (typeof query.state.data === "string" ? false : LOOK_EVERY_MS),
    staleTime: Infinity,
  });
  return data ?? null;
}
