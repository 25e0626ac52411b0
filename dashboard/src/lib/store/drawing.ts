/**
 * From series to what a chart draws: positions, breaks, bands of thinned stretches, several metrics on one axis.
 *
 * Pure. Positions are plain numbers relative to a base, so that a 64-bit counter still moves; exact values stay
 * in the points. Read next: gaps.ts.
 */

import type { MetricValue } from "@/contract/payloads";
import { gapBefore } from "@/lib/store/gaps";
import type { Point } from "@/lib/store/points";
import { detailAt, type Detail } from "@/lib/store/series";

/** A mark on the chart: a sample, or a bucket of a thinned stretch with its least and greatest. */
export interface Mark {
  readonly at: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** The line breaks before it. */
  readonly gap: boolean;
  readonly replayed: boolean;
}

export interface DrawnSeries {
  readonly points: readonly Point[];
  readonly details: readonly Detail[];
  readonly samplingMs: number;
}

/** Positions beyond this would overflow while axes are laid out. */
const FARTHEST = 1e300;
/** A base that the values have left so far behind that a double no longer tells them apart. */
const BASE_REACH = 2 ** 50;

/** What is taken off a metric's values to draw them: nothing, unless they are whole numbers that a double cannot tell apart. */
export function baseOf(points: readonly Point[]): bigint {
  const last = points.at(-1)?.value;
  return typeof last === "bigint" && !Number.isSafeInteger(Number(last)) ? last : 0n;
}

/** The base to draw with where *held* is the present one: it stays while it serves, so that an axis does not move with each step of a counter. */
export function baseFor(points: readonly Point[], held: bigint): bigint {
  const wanted = baseOf(points);
  const serves = held !== 0n && wanted !== 0n && Math.abs(Number(wanted - held)) < BASE_REACH;
  return serves ? held : wanted;
}

/** A value as a position on a chart, with *base* taken off exactly. */
export function positionOf(value: MetricValue, base: bigint): number {
  const found = typeof value === "bigint" ? Number(value - base) : Number(value) - Number(base);
  return Math.min(FARTHEST, Math.max(-FARTHEST, found));
}

/** The marks of one series. Buckets of thinned stretches become one mark each, save of booleans, whose steps are kept. */
export function marksOf({ points, details, samplingMs }: DrawnSeries, base: bigint): readonly Mark[] {
  const rule = { samplingMs, bucketAt: (at: number): number => detailAt(details, at)?.bucketMs ?? 0 };
  const marks: Mark[] = [];
  let bucket = "";
  for (const [index, point] of points.entries()) {
    const y = positionOf(point.value, base);
    const mark: Mark = { at: point.at, y, low: y, high: y, gap: gapBefore(points, index, rule), replayed: point.replayed === true };
    const here = typeof point.value === "boolean" ? "" : bucketOf(details, point.at);
    const last = marks.at(-1);
    if (here !== "" && here === bucket && last !== undefined && !mark.gap) {
      marks[marks.length - 1] = joined(last, mark);
    } else {
      marks.push(mark);
    }
    bucket = here;
  }
  return marks;
}

/** Names the bucket of a moment; empty where every sample is known. */
function bucketOf(details: readonly Detail[], at: number): string {
  const detail = detailAt(details, at);
  return detail === null || detail.bucketMs === 0 ? "" : `${detail.bucketMs}:${Math.floor((at - detail.from) / detail.bucketMs)}`;
}

function joined(first: Mark, second: Mark): Mark {
  const low = Math.min(first.low, second.low);
  const high = Math.max(first.high, second.high);
  return { at: (first.at + second.at) / 2, y: low / 2 + high / 2, low, high, gap: first.gap, replayed: first.replayed || second.replayed };
}

/** One row of a chart: `null` is a gap, `undefined` is another metric's moment. */
export type Column = (number | null | undefined)[];

export interface Lines {
  readonly y: Column;
  /** Bounds of the band; where they are the line itself there is none to be seen. */
  readonly low: Column;
  readonly high: Column;
  /** Places on the axis of marks that want a dot: replayed ones, and those that no line reaches. */
  readonly dots: number[];
}

export interface Aligned {
  /** Seconds since 1970, ascending, as uPlot wants them. */
  readonly x: number[];
  readonly lines: readonly Lines[];
}

/** Times of all marks, and one moment inside each gap, so that a gap has a place on the axis. */
function timesOf(marks: readonly Mark[]): readonly number[] {
  return marks.flatMap((mark, index) => (mark.gap ? [(marks[index - 1]?.at ?? mark.at) + 1, mark.at] : [mark.at]));
}

function linesOf(marks: readonly Mark[], place: ReadonlyMap<number, number>): Lines {
  const empty = (): Column => new Array<number | null | undefined>(place.size).fill(undefined);
  const lines: Lines = { y: empty(), low: empty(), high: empty(), dots: [] };
  marks.forEach((mark, index) => {
    const at = place.get(mark.at) ?? 0;
    const before = marks[index - 1];
    if (mark.gap && before !== undefined) {
      // uPlot ends a gap at the next moment of any metric unless all of them say so.
      [lines.y, lines.low, lines.high].forEach((column) => column.fill(null, (place.get(before.at) ?? 0) + 1, at));
    }
    lines.y[at] = mark.y;
    lines.low[at] = mark.low;
    lines.high[at] = mark.high;
    const alone = (index === 0 || mark.gap) && (marks[index + 1]?.gap ?? true);
    if (mark.replayed || alone) {
      lines.dots.push(at);
    }
  });
  return lines;
}

/** Puts several metrics on one time axis. */
export function align(series: readonly (readonly Mark[])[]): Aligned {
  const times = [...new Set(series.flatMap(timesOf))].sort((left, right) => left - right);
  const place = new Map(times.map((at, index) => [at, index]));
  return { x: times.map((at) => at / 1_000), lines: series.map((marks) => linesOf(marks, place)) };
}
