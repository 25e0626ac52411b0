"use client";

/**
 * What the administration pages fetch: one cache for each person, read with TanStack Query.
 *
 * Live data never passes here (lib/engine has it). Reads that failed for an outage are tried again until they work;
 * a refusal stands until somebody does something about it. A change is sent once: only the person repeats it.
 */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState, type ReactElement, type ReactNode } from "react";

import { ApiProblem } from "@/lib/api/problem";
import { usePerson } from "@/lib/engine/hooks";

const FRESH_MS = 5_000;
const RETRY_MS = 3_000;

function newClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        networkMode: "always",
        retry: (_, error) => error instanceof ApiProblem && error.isOutage,
        retryDelay: RETRY_MS,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}

export function QueryProvider({ children }: { readonly children: ReactNode }): ReactElement {
  const person = usePerson();
  return <PersonsCache key={person.id}>{children}</PersonsCache>;
}

function PersonsCache({ children }: { readonly children: ReactNode }): ReactElement {
  const [client] = useState(newClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
