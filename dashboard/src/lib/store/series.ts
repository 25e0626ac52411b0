/**
 * From samples to what a chart draws: history stitched to live, gaps found, several metrics on one time axis.
 *
 * Pure. Joining is by (stream, sequence), so a sample known from the archive and from the broker counts once
 * (failure case 36). A gap is drawn as a gap. Positions are plain numbers; exact values stay in the points.
 */

import type { Point } from "@/lib/store/points";
import { plotValue } from "@/lib/values/exact";

/** How many usual steps without a sample make a gap. */
const GAP_STEPS = 3.5;
const LEAST_GAP_MS = 1_500;
const NEIGHBOURS = 8;
const MOST_STEPS_LOOKED_AT = 512;

/** One row of a chart: `null` is a gap, `undefined` is another metric's moment. */
export type Column = readonly (number | null | undefined)[];

export interface Aligned {
  /** Seconds since 1970, ascending, as uPlot wants them. */
  readonly x: readonly number[];
  readonly columns: readonly Column[];
}

function identity(point: Point): string {
  return point.sequence === null ? `${point.stream}@${point.at}` : `${point.stream}#${String(point.sequence)}`;
}

/** Joins *history* and *live*, each in any order: by time, each sample once. */
export function stitch(history: readonly Point[], live: readonly Point[]): readonly Point[] {
  const known = new Set(history.map(identity));
  const fresh = live.filter((point) => {
    const id = identity(point);
    const isNew = !known.has(id);
    known.add(id);
    return isNew;
  });
  const joined = [...history, ...fresh];
  const inOrder = joined.every((point, index) => index === 0 || point.at >= (joined[index - 1]?.at ?? 0));
  return inOrder ? joined : joined.sort((left, right) => left.at - right.at);
}

/** Of steps between samples, the one that three quarters do not exceed: thinned history has short and long ones in turn. */
function usualStep(steps: readonly number[]): number {
  return steps.toSorted((left, right) => left - right)[Math.floor(steps.length * 0.75)] ?? 0;
}

function stepBefore(points: readonly Point[], index: number): number {
  const here = points[index];
  const before = points[index - 1];
  return here === undefined || before === undefined ? 0 : here.at - before.at;
}

function stepsBetween(points: readonly Point[], first: number, last: number, stride = 1): readonly number[] {
  const steps: number[] = [];
  for (let index = Math.max(1, first); index <= Math.min(last, points.length - 1); index += stride) {
    steps.push(stepBefore(points, index));
  }
  return steps;
}

/** The time without a sample that can be a gap. *samplingMs*: the device's interval, 0 when unknown. */
export function gapAfterMs(points: readonly Point[], samplingMs: number): number {
  const stride = Math.max(1, Math.floor(points.length / MOST_STEPS_LOOKED_AT));
  return Math.max(LEAST_GAP_MS, GAP_STEPS * Math.max(usualStep(stepsBetween(points, 1, points.length, stride)), samplingMs));
}

/** Whether there is a gap before a sample: unusual in the whole and beside its neighbours, since intervals change. */
function gapBefore({ points, gapMs }: SeriesInput, index: number): boolean {
  const step = stepBefore(points, index);
  if (step <= gapMs) {
    return false;
  }
  const before = usualStep(stepsBetween(points, index - NEIGHBOURS, index - 1));
  const after = usualStep(stepsBetween(points, index + 1, index + NEIGHBOURS));
  return step > GAP_STEPS * Math.max(before, after);
}

export interface SeriesInput {
  /** Ascending by time. */
  readonly points: readonly Point[];
  /** From `gapAfterMs`. */
  readonly gapMs: number;
}

/** Times of all samples, and one moment inside each gap, so that a gap has a place on the axis. */
function timesOf(input: SeriesInput): readonly number[] {
  return input.points.flatMap((point, index) => {
    const before = input.points[index - 1];
    return before !== undefined && gapBefore(input, index) ? [before.at + 1, point.at] : [point.at];
  });
}

function columnOf(input: SeriesInput, place: ReadonlyMap<number, number>): Column {
  const column = new Array<number | null | undefined>(place.size).fill(undefined);
  input.points.forEach((point, index) => {
    const at = place.get(point.at) ?? 0;
    const before = input.points[index - 1];
    if (before !== undefined && gapBefore(input, index)) {
      // uPlot ends a gap at the next moment of any metric unless all of them say so.
      column.fill(null, (place.get(before.at) ?? 0) + 1, at);
    }
    column[at] = plotValue(point.value);
  });
  return column;
}

/** Puts several metrics on one time axis. */
export function align(inputs: readonly SeriesInput[]): Aligned {
  const times = [...new Set(inputs.flatMap(timesOf))].sort((left, right) => left - right);
  const place = new Map(times.map((at, index) => [at, index]));
  return { x: times.map((at) => at / 1_000), columns: inputs.map((input) => columnOf(input, place)) };
}

/** The sample in force at a time: the newest that is not later. *points* ascending. */
export function pointAt(points: readonly Point[], at: number): Point | null {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.at ?? Infinity) <= at) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return points[low - 1] ?? null;
}
