"use client";

/** Reading lists and sending changes on administration pages: thin wrappers that know the API and its problems. */

import { useInfiniteQuery, useMutation, useQueryClient, type QueryKey, type UseMutationResult } from "@tanstack/react-query";

import type { Send } from "@/lib/api/http";
import { itemPage, type ItemPage } from "@/lib/api/pages";
import type { Fields } from "@/lib/api/reading";
import { useEngine } from "@/lib/engine/hooks";

/** How long an outcome waits for the lists that it changed. */
const READ_ANEW_MS = 3_000;

export interface ListState<T> {
  readonly items: readonly T[];
  readonly phase: "loading" | "error" | "ready";
  /** What went wrong last, in a sentence; empty when all is well. Older items stay on the screen beside it. */
  readonly trouble: string;
  readonly hasMore: boolean;
  readonly loadingMore: boolean;
  readonly more: () => void;
  readonly again: () => void;
}

function sentence(error: Error | null): string {
  return error === null ? "" : error.message;
}

/** A list of the API, page by page. *path* may carry a query; another path is another list. */
export function useList<T>(path: string, read: (item: Fields) => T, options: { readonly refetchMs?: number } = {}): ListState<T> {
  const { api } = useEngine();
  const query = useInfiniteQuery({
    queryKey: [path.split("?")[0], path],
    queryFn: ({ pageParam }): Promise<ItemPage<T>> => itemPage(api.send, path, pageParam, read),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: options.refetchMs ?? false,
  });
  return {
    items: query.data?.pages.flatMap((page) => page.items) ?? [],
    phase: query.data !== undefined ? "ready" : query.failureReason !== null ? "error" : "loading",
    trouble: sentence(query.failureReason),
    hasMore: query.hasNextPage,
    loadingMore: query.isFetchingNextPage,
    more: () => void query.fetchNextPage(),
    again: () => void query.refetch(),
  };
}

function passed(ms: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * A change through the API; afterwards everything under *touches* (first parts of query keys) is read anew, also
 * after a refusal: a record that somebody else changed must not stay on the screen as it was. The outcome is told when
 * the lists show it, and without them when they do not come: what was done is done.
 */
export function useChange<V, R = void>(
  send: (send: Send, variables: V) => Promise<R>,
  touches: readonly string[],
): UseMutationResult<R, Error, V> {
  const { api } = useEngine();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (variables: V) => send(api.send, variables),
    onSettled: () => Promise.race([Promise.all(touches.map((key): Promise<void> => client.invalidateQueries({ queryKey: [key] satisfies QueryKey }))), passed(READ_ANEW_MS)]),
  });
}
