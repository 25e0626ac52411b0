/**
 * From samples to what a small chart draws. Pure.
 *
 * A gap is drawn as a gap. Positions are plain numbers relative to a base, so that a 64-bit counter still moves; the
 * exact value stands beside the chart.
 */

import { positionOf } from "@/lib/store/drawing";
import type { Point } from "@/lib/store/points";
import { stitch, type History } from "@/lib/store/series";

const GAP_STEPS = 3.5;
const LEAST_GAP_MS = 1_500;

/** Seconds since 1970 and heights; `null` is a gap. */
export type Drawn = readonly [readonly number[], readonly (number | null)[]];

/** The time without a sample that is a gap. *samplingMs*: the device's interval, 0 when unknown. */
export function gapMsOf(points: readonly Point[], bucketMs: number, samplingMs: number): number {
  const steps = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? 0));
  const usual = steps.sort((left, right) => left - right)[Math.floor(steps.length * 0.75)] ?? 0;
  return Math.max(LEAST_GAP_MS, 2 * bucketMs, GAP_STEPS * Math.max(usual, samplingMs));
}

/** What to draw for samples that are ascending by time, with *base* taken off their values. */
export function drawnOf(points: readonly Point[], gapMs: number, base: bigint): Drawn {
  const x: number[] = [];
  const y: (number | null)[] = [];
  let before: number | null = null;
  for (const { at, value } of points) {
    if (before !== null && at - before > gapMs) {
      x.push((before + 1) / 1_000);
      y.push(null);
    }
    x.push(at / 1_000);
    y.push(positionOf(value, base));
    before = at;
  }
  return [x, y];
}

/** Those of *recent* (oldest first) that came after *last*; all when it is not among them any more. */
export function cameAfter(recent: readonly Point[], last: Point | undefined): readonly Point[] {
  return last === undefined ? recent : recent.slice(recent.lastIndexOf(last) + 1);
}

/** Samples of the archive with those seen since, each once and by time, none before the stretch. */
export function joined(history: History | undefined, live: readonly Point[], from: number): readonly Point[] {
  const fresh = live.filter((point) => point.sequence !== null);
  return stitch(history?.points ?? [], fresh).filter((point) => point.at >= from);
}
