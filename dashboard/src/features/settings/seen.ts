"use client";

/** A setting as it was when its editor opened: the tag of what the person has seen, until the editor closes. */

import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { readSetting, type Seen, type Target } from "@/lib/api/config";
import { useEngine } from "@/lib/engine/hooks";

/** Reads it once and not again by itself: a newer tag would hide that somebody else was faster. */
export function useSeen(target: Target): UseQueryResult<Seen | null> {
  const { api } = useEngine();
  return useQuery({
    queryKey: ["setting-seen", target.device, target.key],
    queryFn: () => readSetting(api.send, target),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}
