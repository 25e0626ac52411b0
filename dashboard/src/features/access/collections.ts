"use client";

/** All users, roles and permissions: few enough to be held whole, so that searching and counting are instant. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readPermission, readRole, readUser, type AccessPath, type Permission, type Role, type User } from "@/lib/api/access";
import { everyItem } from "@/lib/api/pages";
import type { Fields } from "@/lib/api/reading";
import { useEngine } from "@/lib/engine/hooks";
import type { ListState } from "@/lib/query/hooks";
import type { Kind } from "@/features/access/guarded";

/** How soon what others changed is seen by who only looks. */
const REFETCH_MS = 10_000;
const STEP = 100;
const NOTHING: readonly never[] = [];

export const USER: Kind<User> = { path: "/users", read: readUser };
export const ROLE: Kind<Role> = { path: "/roles", read: readRole };
export const PERMISSION: Kind<Permission> = { path: "/permissions", read: readPermission };

function useAll<T>(path: AccessPath, read: (item: Fields) => T, enabled: boolean): ListState<T> {
  const { api } = useEngine();
  const query = useQuery({
    queryKey: [path, "all"],
    queryFn: async () => (await everyItem(api.send, `${path}?limit=500`)).map(read),
    enabled,
    refetchInterval: REFETCH_MS,
  });
  return {
    items: query.data ?? NOTHING,
    phase: query.data !== undefined ? "ready" : query.failureReason !== null ? "error" : "loading",
    trouble: query.failureReason?.message ?? "",
    hasMore: false,
    loadingMore: false,
    more: () => undefined,
    again: () => void query.refetch(),
  };
}

/** *enabled*: false for those who may not see people. */
export function useUsers(enabled = true): ListState<User> {
  return useAll(USER.path, USER.read, enabled);
}

export function useRoles(): ListState<Role> {
  return useAll(ROLE.path, ROLE.read, true);
}

export function usePermissions(): ListState<Permission> {
  return useAll(PERMISSION.path, PERMISSION.read, true);
}

/** Those items of a whole list that fit, a hundred at first. */
export function useShown<T>(list: ListState<T>, fits: (item: T) => boolean): ListState<T> {
  const [most, setMost] = useState(STEP);
  const fitting = list.items.filter(fits);
  return { ...list, items: fitting.slice(0, most), hasMore: fitting.length > most, more: () => setMost(most + STEP) };
}
