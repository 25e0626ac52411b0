"use client";

import { useState } from "react";

import { useNow } from "@/lib/engine/hooks";

/** Since when *state* is what it is, in ms, as far as this component has seen it; 0 before the page runs. */
export function useSince(state: string): number {
  const now = useNow();
  const [known, setKnown] = useState({ state, at: now });
  if (known.state !== state || (known.at === 0 && now > 0)) {
    setKnown({ state, at: now });
  }
  return known.at;
}
