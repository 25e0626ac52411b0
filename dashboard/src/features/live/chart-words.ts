/** The chart in words, for screen readers and for the legend; pure. */

import type { Series } from "@/lib/store/chart";
import { detailAt, pointAt } from "@/lib/store/series";
import type { Point } from "@/lib/store/points";
import { exactText } from "@/lib/values/exact";
import { formatClock } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

/** What is known of a moment: a sample, or in a thinned stretch the least and the greatest of a bucket. */
export interface Reading {
  readonly least: Point;
  readonly greatest: Point;
}

/** What a series says at a time; `null` before its beginning. */
export function readingAt({ points, details }: Series, at: number): Reading | null {
  const detail = detailAt(details, at);
  const here = pointAt(points, at);
  if (here === null || detail === null || detail.bucketMs === 0 || typeof here.value === "boolean") {
    return here === null ? null : { least: here, greatest: here };
  }
  const start = detail.from + Math.floor((at - detail.from) / detail.bucketMs) * detail.bucketMs;
  const inside = points.filter((point) => point.at >= start && point.at < start + detail.bucketMs);
  return inside.reduce<Reading>(
    (found, point) => ({ least: point.value < found.least.value ? point : found.least, greatest: point.value > found.greatest.value ? point : found.greatest }),
    { least: inside[0] ?? here, greatest: inside[0] ?? here },
  );
}

export function readingText({ least, greatest }: Reading): string {
  return least.value === greatest.value ? exactText(least.value) : `${exactText(least.value)} to ${exactText(greatest.value)}`;
}

/** Time and values under the cursor, or of now. */
export function cursorText(series: readonly Series[], at: number | null): string {
  const values = series.map((each) => {
    const found = at === null ? pointAt(each.points, Infinity) : readingAt(each, at);
    const text = found === null ? "no value" : "at" in found ? exactText(found.value) : readingText(found);
    return `${each.clientId} ${each.metric} ${text} ${unitOf(each.metric)}`.trim();
  });
  return [at === null ? "Newest" : formatClock(at), ...values].join("; ");
}
