import { expect, test } from "vitest";

import type { Point } from "@/lib/store/points";
import { align, gapAfterMs, pointAt, stitch } from "@/lib/store/series";

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

test("gapAfterMs_is_a_few_times_the_usual_step_and_never_less_than_a_moment", () => {
  expect(gapAfterMs([1, 2, 3, 4, 5, 90].map((each) => point(each)), 0)).toBe(3_500);
  expect(gapAfterMs([point(1, 0), point(2, 10), point(3, 20)], 0)).toBe(1_500);
  expect(gapAfterMs([], 60_000)).toBe(210_000);
});

test("align_gap_is_null_at_every_moment_inside_it_also_those_of_other_metrics", () => {
  const broken = { points: [point(0), point(1), point(9), point(10)], gapMs: 3_000 };
  const whole = { points: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((each) => point(each)), gapMs: 3_000 };
  const { x, columns } = align([broken, whole]);
  const inside = x.map((at, index) => ({ at, value: columns[0]?.[index] })).filter(({ at }) => at > 1 && at < 9);
  expect(inside.length).toBeGreaterThan(7);
  expect(inside.every(({ value }) => value === null)).toBe(true);
  expect(columns[1]?.filter((value) => value === null)).toEqual([]);
});

function gaps(points: readonly Point[]): number {
  return align([{ points, gapMs: gapAfterMs(points, 0) }]).columns[0]?.filter((value) => value === null).length ?? 0;
}

test("align_slow_samples_before_fast_ones_are_no_gaps", () => {
  const slow = Array.from({ length: 40 }, (_, index) => point(index + 1, index * 5_000));
  const fast = Array.from({ length: 400 }, (_, index) => point(index + 41, 200_000 + index * 200));
  expect(gaps([...slow, ...fast])).toBe(0);
});

test("align_thinned_counter_with_short_and_long_steps_in_turn_has_no_gaps", () => {
  const pairs = Array.from({ length: 100 }, (_, index) => [point(2 * index, index * 60_000), point(2 * index + 1, index * 60_000 + 59_000)]);
  const edges = Array.from({ length: 100 }, (_, index) => [point(2 * index, index * 60_000), point(2 * index + 1, index * 60_000 + 1_000)]);
  expect(gaps(pairs.flat())).toBe(0);
  expect(gaps(edges.flat())).toBe(0);
});

test("align_outage_among_regular_samples_is_one_gap", () => {
  const samples = Array.from({ length: 100 }, (_, index) => point(index, index * 1_000 + (index > 50 ? 90_000 : 0)));
  expect(gaps(samples)).toBe(1);
});

test("align_moment_of_another_metric_is_no_gap", () => {
  const { columns } = align([
    { points: [point(1), point(2)], gapMs: 3_000 },
    { points: [point(1, 1_500, 7)], gapMs: 3_000 },
  ]);
  expect(columns[0]).toEqual([1, undefined, 2]);
  expect(columns[1]).toEqual([undefined, 7, undefined]);
});

test("pointAt_is_the_newest_that_is_not_later", () => {
  const points = [point(1), point(2), point(3)];
  expect(pointAt(points, 2_500)?.sequence).toBe(2n);
  expect(pointAt(points, 2_000)?.sequence).toBe(2n);
  expect(pointAt(points, 999)).toBeNull();
});
