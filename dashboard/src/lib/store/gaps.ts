/**
 * Where a line breaks: time without samples that should have been there, or numbers that are missing. Pure.
 *
 * Judged at the device's sampling interval and at how finely the archive has answered. Intervals change during a
 * device's life, so what is usual among a sample's neighbours is usual for it.
 */

import type { Point } from "@/lib/store/points";

/** How many usual steps without a sample make a gap. */
const GAP_STEPS = 3.5;
const LEAST_GAP_MS = 1_500;
const NEIGHBOURS = 8;

export interface GapRule {
  /** The device's sampling interval, 0 when unknown. */
  readonly samplingMs: number;
  /** How finely the archive answered for a moment; 0: every sample. */
  readonly bucketAt: (at: number) => number;
}

/** Of *values*, the one that three quarters do not exceed; 0 of none. */
function usual(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length * 0.75)] ?? 0;
}

function stepBefore(points: readonly Point[], index: number): number {
  return (points[index]?.at ?? 0) - (points[index - 1]?.at ?? 0);
}

/** The difference of the numbers of a sample and the one before; 0 where they cannot be compared. */
function jumpBefore(points: readonly Point[], index: number): number {
  const here = points[index];
  const before = points[index - 1];
  const from = before?.sequence ?? null;
  const to = here?.sequence ?? null;
  return from !== null && to !== null && here?.stream === before?.stream ? Number(to - from) : 0;
}

function beside(index: number, length: number, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let each = Math.max(1, index + from); each <= Math.min(index + to, length - 1); each += 1) {
    found.push(each);
  }
  return found;
}

/** A number is missing, among neighbours that carry every number (a metric may be in every second reading only). */
function numberMissing(points: readonly Point[], index: number): boolean {
  if (jumpBefore(points, index) <= 1) {
    return false;
  }
  const around = [...beside(index, points.length, -NEIGHBOURS, -1), ...beside(index, points.length, 1, NEIGHBOURS)];
  const jumps = around.map((each) => jumpBefore(points, each)).filter((jump) => jump > 0);
  return jumps.filter((jump) => jump === 1).length > jumps.length / 2;
}

/** Whether the line breaks before a sample. *points* ascending by time. */
export function gapBefore(points: readonly Point[], index: number, { samplingMs, bucketAt }: GapRule): boolean {
  const here = points[index];
  const before = points[index - 1];
  if (here === undefined || before === undefined) {
    return false;
  }
  const bucketMs = Math.max(bucketAt(before.at), bucketAt(here.at));
  if (bucketMs === 0 && numberMissing(points, index)) {
    return true;
  }
  const step = here.at - before.at;
  // Least and greatest of two buckets side by side can be two buckets apart.
  if (step <= Math.max(LEAST_GAP_MS, GAP_STEPS * samplingMs) + 2 * bucketMs) {
    return false;
  }
  const steps = (from: number, to: number): number => usual(beside(index, points.length, from, to).map((each) => stepBefore(points, each)));
  const [sooner, later] = [steps(-NEIGHBOURS, -1), steps(1, NEIGHBOURS)];
  // Within a stream the interval may have changed; a new stream is a start, and the silence before it is no sampling.
  const local = here.stream === before.stream ? Math.max(sooner, later) : Math.min(sooner || later, later || sooner);
  return step > GAP_STEPS * (local > 2 * bucketMs ? local : samplingMs);
}
