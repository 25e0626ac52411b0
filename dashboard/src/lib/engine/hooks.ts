"use client";

/** How React reads the engine's stores: each hook re-renders its component only when what it asked for changed. */

import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore, type RefObject } from "react";

import type { Engine } from "@/lib/engine/engine";
import type { Person, SessionState } from "@/lib/api/session";
import { presenceOf, type Device, type Presence } from "@/lib/store/devices";
import type { Series } from "@/lib/store/chart";
import { statusOf, type Status } from "@/lib/store/status";
import type { DeviceTiles, Tile } from "@/lib/store/tiles";
import type { ReadableStore } from "@/lib/store/value-store";

export const EngineContext = createContext<Engine | null>(null);

export function useEngine(): Engine {
  const engine = useContext(EngineContext);
  if (engine === null) {
    throw new Error("useEngine outside of EngineContext");
  }
  return engine;
}

export function useValue<T>(store: ReadableStore<T>): T {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

export function useSession(): SessionState {
  return useValue(useEngine().session.state);
}

/** The signed-in person; only below the session gate. */
export function usePerson(): Person {
  const session = useSession();
  if (session.phase !== "signed-in") {
    throw new Error("usePerson without a session");
  }
  return session.person;
}

export function useStatus(): Status {
  const engine = useEngine();
  const link = useValue(engine.linkState);
  const refetching = useValue(engine.refetcher.busy);
  return statusOf(link, useSession().phase === "signed-in", refetching);
}

export function useDevices(): readonly Device[] {
  const { devices } = useEngine();
  return useSyncExternalStore(devices.subscribe, devices.all, devices.all);
}

export function useDevice(clientId: string): Device | null {
  const { devices } = useEngine();
  const subscribe = useCallback((run: () => void) => devices.subscribeOne(clientId, run), [devices, clientId]);
  const read = (): Device | null => devices.one(clientId);
  return useSyncExternalStore(subscribe, read, read);
}

/**
 * The time by which devices and services are judged, in ms. While this browser itself is cut off it stands still:
 * silence then says nothing about them. 0 before the page runs.
 */
export function useJudgingTime(): number {
  const { link } = useEngine();
  const online = useStatus().connection === "online";
  const now = useNow();
  return online || link.lastPacketAt === 0 ? now : Math.min(now, link.lastPacketAt);
}

/** The presence to show for a device; `null` before the page runs. */
export function usePresence(): (device: Device) => Presence | null {
  const at = useJudgingTime();
  return (device) => (at === 0 ? null : presenceOf(device, at));
}

export function useTileIndex(): readonly DeviceTiles[] {
  const { tiles } = useEngine();
  return useSyncExternalStore(tiles.subscribeIndex, tiles.index, tiles.index);
}

/** One tile; while *awake* is false (off the screen) it is looked at once a second only. */
export function useTile(clientId: string, metric: string, awake: boolean): Tile | null {
  const { tiles } = useEngine();
  const follow = useCallback((run: () => void) => tiles.subscribe(clientId, metric, run), [tiles, clientId, metric]);
  const read = (): Tile | null => tiles.tile(clientId, metric);
  return useSyncExternalStore(awake ? follow : subscribeSecond, read, read);
}

export function useSeries(): readonly Series[] {
  const { chart } = useEngine();
  return useSyncExternalStore(chart.subscribeSeries, chart.series, chart.series);
}

const SECOND_MS = 1_000;
const tickers = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | null = null;
let second = 0;

function subscribeSecond(run: () => void): () => void {
  tickers.add(run);
  second = Date.now();
  ticking ??= setInterval(() => {
    second = Date.now();
    tickers.forEach((each) => each());
  }, SECOND_MS);
  return () => {
    tickers.delete(run);
    if (tickers.size === 0 && ticking !== null) {
      clearInterval(ticking);
      ticking = null;
    }
  };
}

/** The time in ms, once a second; all components share one timer. 0 while the page is exported. */
export function useNow(): number {
  return useSyncExternalStore(subscribeSecond, () => second, () => 0);
}

/** Something that follows from the time, once a second; the component re-renders only when the result is another one. */
export function useEachSecond<T extends string | number | boolean>(compute: (now: number) => T): T {
  return useSyncExternalStore(subscribeSecond, () => compute(second), () => compute(0));
}

/** Whether an element is on the screen or near it. */
export function useOnScreen<T extends Element>(): readonly [RefObject<T | null>, boolean] {
  const ref = useRef<T>(null);
  const [onScreen, setOnScreen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const observer = new IntersectionObserver(([entry]) => setOnScreen(entry?.isIntersecting ?? true), { rootMargin: "200px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, onScreen];
}
