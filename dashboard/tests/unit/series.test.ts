import { expect, test } from "vitest";

import type { Point } from "@/lib/store/points";
import { pointAt, stitch } from "@/lib/store/series";

const STREAM = "01910000-0000-7000-8000-000000000001";

function point(sequence: number, at: number = sequence * 1_000, value = sequence): Point {
  return { at, value, stream: STREAM, sequence: BigInt(sequence) };
}

function numbers(points: readonly Point[]): bigint[] {
  return points.map((each) => each.sequence ?? -1n);
}

test("stitch_overlap_of_history_and_live_counts_each_sample_once", () => {
  expect(numbers(stitch([point(1), point(2), point(3)], [point(2), point(3), point(4)]))).toEqual([1n, 2n, 3n, 4n]);
});

test("stitch_sample_that_came_twice_live_counts_once", () => {
  expect(numbers(stitch([], [point(1), point(1), point(2)]))).toEqual([1n, 2n]);
});

test("stitch_replayed_samples_take_their_place_in_time", () => {
  expect(numbers(stitch([point(1), point(5)], [point(6), point(3), point(4)]))).toEqual([1n, 3n, 4n, 5n, 6n]);
});

test("stitch_same_number_of_another_stream_is_another_sample", () => {
  const other = { ...point(1, 9_000), stream: "01920000-0000-7000-8000-000000000002" };
  expect(stitch([point(1)], [other])).toHaveLength(2);
});

test("pointAt_is_the_newest_that_is_not_later", () => {
  const points = [point(1), point(2), point(3)];
  expect(pointAt(points, 2_500)?.sequence).toBe(2n);
  expect(pointAt(points, 2_000)?.sequence).toBe(2n);
  expect(pointAt(points, 999)).toBeNull();
});
