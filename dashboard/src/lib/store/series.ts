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

/** The time without a sample that counts as a gap. *samplingMs*: the device's interval, 0 when unknown. */
export function gapAfterMs(points: readonly Point[], samplingMs: number): number {
  const steps = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? point.at));
  const usual = steps.sort((left, right) => left - right)[Math.floor(steps.length / 2)] ?? 0;
  return Math.max(LEAST_GAP_MS, GAP_STEPS * Math.max(usual, samplingMs));
}

export interface SeriesInput {
  readonly points: readonly Point[];
  readonly gapMs: number;
}

/** Times of all samples, and one moment inside each gap, so that a gap has a place on the axis. */
function timesOf({ points, gapMs }: SeriesInput): readonly number[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    return before !== undefined && point.at - before.at > gapMs ? [before.at + 1, point.at] : [point.at];
  });
}

function columnOf({ points, gapMs }: SeriesInput, place: ReadonlyMap<number, number>): Column {
  const column = new Array<number | null | undefined>(place.size).fill(undefined);
  points.forEach((point, index) => {
    const at = place.get(point.at) ?? 0;
    const before = points[index - 1];
    if (before !== undefined && point.at - before.at > gapMs) {
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
