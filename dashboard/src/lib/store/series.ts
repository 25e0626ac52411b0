/**
 * Samples of one metric from several sources as one series: joined by (stream, sequence), looked up by time.
 *
 * Pure. A sample known from the archive and from the broker counts once (failure case 36). Read next:
 * gaps.ts (where a line breaks), drawing.ts (what a chart gets).
 */

import { identityOf, type Point } from "@/lib/store/points";

/** A stretch of time in ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Samples from the archive for a stretch. *bucketMs*: from the stretch's beginning on, each bucket of this length
 * kept only its least and its greatest; 0 when all are there.
 */
export interface History extends Span {
  /** Ascending by time. */
  readonly points: readonly Point[];
  readonly bucketMs: number;
}

/** How finely a stretch of a series is known. */
export type Detail = Omit<History, "points">;

/** Joins *history* and *live*, each in any order: by time, each sample once. */
export function stitch(history: readonly Point[], live: readonly Point[]): readonly Point[] {
  const known = new Set(history.map(identityOf));
  const fresh = live.filter((point) => {
    const id = identityOf(point);
    const isNew = !known.has(id);
    known.add(id);
    return isNew;
  });
  const joined = [...history, ...fresh];
  const inOrder = joined.every((point, index) => index === 0 || point.at >= (joined[index - 1]?.at ?? 0));
  return inOrder ? joined : joined.sort((left, right) => left.at - right.at);
}

/** How many of *points* (ascending) are not later than *at*. */
export function countUntil(points: readonly Point[], at: number): number {
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
  return low;
}

/** The sample in force at a time: the newest that is not later. *points* ascending. */
export function pointAt(points: readonly Point[], at: number): Point | null {
  return points[countUntil(points, at) - 1] ?? null;
}

/** How finely a moment is known: of several stretches the last counts; `null` where none was asked for. */
export function detailAt(details: readonly Detail[], at: number): Detail | null {
  return details.findLast((each) => at >= each.from && at < each.to) ?? null;
}
