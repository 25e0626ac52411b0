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

const NO_PRESENCE = "";

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
  const judged = useJudging();
  return judged(useNow());
}

function useJudging(): (now: number) => number {
  const { link } = useEngine();
  const online = useStatus().connection === "online";
  return (now) => (online || link.lastPacketAt === 0 ? now : Math.min(now, link.lastPacketAt));
}

/** The presence to show for a device; `null` before the page runs. */
export function usePresence(): (device: Device) => Presence | null {
  const at = useJudgingTime();
  return (device) => (at === 0 ? null : presenceOf(device, at));
}

/** The presence of one device; the component re-renders only when it changes. `null`: no device, or before the page runs. */
export function usePresenceOf(device: Device | null): Presence | null {
  const judged = useJudging();
  const found = useEachSecond((now) => (device === null || now === 0 ? NO_PRESENCE : presenceOf(device, judged(now))));
  return found === NO_PRESENCE ? null : found;
}

export function useTileIndex(): readonly DeviceTiles[] {
  const { tiles } = useEngine();
  return useSyncExternalStore(tiles.subscribeIndex, tiles.index, tiles.index);
}

/** One tile; while *awake* is false (off the screen) it is looked at every few seconds only. */
export function useTile(clientId: string, metric: string, awake: boolean): Tile | null {
  const { tiles } = useEngine();
  const follow = useCallback((run: () => void) => tiles.subscribe(clientId, metric, run), [tiles, clientId, metric]);
  const read = (): Tile | null => tiles.tile(clientId, metric);
  return useSyncExternalStore(awake ? follow : subscribeSeldom, read, read);
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

const TURNS = 16;
const TURN_MS = 300;
const sleepers: readonly Set<() => void>[] = Array.from({ length: TURNS }, () => new Set<() => void>());
let turn = 0;
let turning: ReturnType<typeof setInterval> | null = null;

/** Runs every five seconds, a sixteenth of all readers at a time: all at once would be a frame that is seen to be late. */
function subscribeSeldom(run: () => void): () => void {
  const mine = sleepers.reduce((least, each) => (each.size < least.size ? each : least));
  mine.add(run);
  turning ??= setInterval(() => {
    turn = (turn + 1) % TURNS;
    sleepers[turn]?.forEach((each) => each());
  }, TURN_MS);
  return () => {
    mine.delete(run);
    if (turning !== null && sleepers.every((each) => each.size === 0)) {
      clearInterval(turning);
      turning = null;
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

const watched = new WeakMap<Element, (near: boolean) => void>();
let observer: IntersectionObserver | null = null;

/** One observer for the whole page: what each further one costs in every frame adds up over hundreds of tiles. */
function observe(element: Element, tell: (near: boolean) => void): () => void {
  observer ??= new IntersectionObserver((entries) => entries.forEach((entry) => watched.get(entry.target)?.(entry.isIntersecting)), {
    rootMargin: "200px",
  });
  const shared = observer;
  watched.set(element, tell);
  shared.observe(element);
  return () => {
    watched.delete(element);
    shared.unobserve(element);
  };
}

/** Whether an element is on the screen or near it; not asked, and so false, unless *worthAsking*. */
export function useOnScreen<T extends Element>(worthAsking = true): readonly [RefObject<T | null>, boolean] {
  const ref = useRef<T>(null);
  const [onScreen, setOnScreen] = useState(false);
  useEffect(() => {
    if (ref.current === null || !worthAsking) {
      return;
    }
    const end = observe(ref.current, setOnScreen);
    return () => {
      end();
      setOnScreen(false);
    };
  }, [worthAsking]);
  return [ref, onScreen];
}
