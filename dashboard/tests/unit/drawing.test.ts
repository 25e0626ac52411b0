import { expect, test } from "vitest";

import { align, baseOf, marksOf, positionOf } from "@/lib/store/drawing";
import type { Point } from "@/lib/store/points";
import type { Detail } from "@/lib/store/series";

const STREAM = "01910000-0000-7000-8000-000000000001";

function point(sequence: number, at: number = sequence * 1_000, value: Point["value"] = sequence): Point {
  return { at, value, stream: STREAM, sequence: BigInt(sequence) };
}

function breaks(points: readonly Point[], samplingMs = 0, details: readonly Detail[] = []): number {
  return marksOf({ points, details, samplingMs }, 0n).filter((mark) => mark.gap).length;
}

test("marksOf_slow_samples_before_fast_ones_are_no_gaps", () => {
  const slow = Array.from({ length: 40 }, (_, index) => point(index + 1, index * 5_000));
  const fast = Array.from({ length: 400 }, (_, index) => point(index + 41, 200_000 + index * 200));
  expect(breaks([...slow, ...fast])).toBe(0);
  expect(breaks([...slow, ...fast], 200)).toBe(0);
});

test("marksOf_outage_among_regular_samples_is_one_gap", () => {
  const samples = Array.from({ length: 100 }, (_, index) => point(index, index * 1_000 + (index > 50 ? 90_000 : 0)));
  expect(breaks(samples, 1_000)).toBe(1);
  expect(breaks(samples)).toBe(1);
});

test("marksOf_more_than_three_sampling_intervals_without_a_sample_is_a_gap", () => {
  const after = (silence: number): readonly Point[] => [...[1, 2, 3, 4].map((each) => point(each, each * 1_000)), ...[5, 6, 7, 8].map((each) => point(each, each * 1_000 + silence))];
  expect(breaks(after(3_000), 1_000)).toBe(1);
  expect(breaks(after(1_500), 1_000)).toBe(0);
});

test("marksOf_missing_number_is_a_gap_however_short", () => {
  const samples = [1, 2, 3, 4, 5, 7, 8, 9, 10].map((each) => point(each, each * 100));
  expect(breaks(samples, 100)).toBe(1);
});

test("marksOf_metric_of_every_third_reading_is_whole", () => {
  const samples = Array.from({ length: 50 }, (_, index) => point(3 * index + 1));
  expect(breaks(samples, 1_000)).toBe(0);
});

test("marksOf_new_stream_at_once_is_no_gap_and_after_a_while_is_one", () => {
  const first = [1, 2, 3, 4, 5].map((each) => point(each));
  const second = (from: number): readonly Point[] => [1, 2, 3, 4].map((each) => ({ ...point(each, from + each * 1_000), stream: "01920000-0000-7000-8000-000000000002" }));
  expect(breaks([...first, ...second(5_000)], 1_000)).toBe(0);
  expect(breaks([...first, ...second(60_000)], 1_000)).toBe(1);
});

test("marksOf_thinned_counter_has_no_gaps_and_an_outage_in_it_has_one", () => {
  // Two samples a minute, the bucket's first and last, as the archive thins a counter.
  const pairs = Array.from({ length: 100 }, (_, index) => [point(120 * index, index * 60_000), point(120 * index + 59, index * 60_000 + 59_000)]).flat();
  const detail = { from: 0, to: 10_000_000, bucketMs: 60_000 };
  expect(breaks(pairs, 1_000, [detail])).toBe(0);
  expect(breaks(pairs.filter(({ at }) => at < 1_200_000 || at > 1_500_000), 1_000, [detail])).toBe(1);
});

test("marksOf_bucket_of_a_thinned_stretch_is_one_mark_with_its_least_and_greatest", () => {
  const points = [point(1, 1_000, 5), point(9, 9_000, 25), point(12, 12_000, 7), point(15, 15_000, 9), point(30, 30_500, 1)];
  const marks = marksOf({ points, details: [{ from: 0, to: 20_000, bucketMs: 10_000 }], samplingMs: 1_000 }, 0n);
  expect(marks.map(({ low, y, high }) => [low, y, high])).toEqual([[5, 15, 25], [7, 8, 9], [1, 1, 1]]);
});

test("marksOf_booleans_keep_every_step_also_when_thinned", () => {
  const points = [point(1, 1_000, false), point(9, 9_000, true)];
  expect(marksOf({ points, details: [{ from: 0, to: 20_000, bucketMs: 10_000 }], samplingMs: 1_000 }, 0n)).toHaveLength(2);
});

test("align_gap_is_null_at_every_moment_inside_it_also_those_of_other_metrics", () => {
  const broken = marksOf({ points: [0, 1, 9, 10].map((each) => point(each)), details: [], samplingMs: 1_000 }, 0n);
  const whole = marksOf({ points: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((each) => point(each)), details: [], samplingMs: 1_000 }, 0n);
  const { x, lines } = align([broken, whole]);
  const inside = x.map((at, index) => ({ at, value: lines[0]?.y[index] })).filter(({ at }) => at > 1 && at < 9);
  expect(inside.length).toBeGreaterThan(7);
  expect(inside.every(({ value }) => value === null)).toBe(true);
  expect(lines[1]?.y.filter((value) => value === null)).toEqual([]);
});

test("align_moment_of_another_metric_is_no_gap", () => {
  const marks = (points: readonly Point[]): ReturnType<typeof marksOf> => marksOf({ points, details: [], samplingMs: 1_000 }, 0n);
  const { lines } = align([marks([point(1), point(2)]), marks([point(1, 1_500, 7)])]);
  expect(lines[0]?.y).toEqual([1, undefined, 2]);
  expect(lines[1]?.y).toEqual([undefined, 7, undefined]);
});

test("align_sample_that_no_line_reaches_and_replayed_ones_are_dots", () => {
  const points = [...[1, 2, 3].map((each) => point(each)), point(50), { ...point(100), replayed: true as const }, point(101)];
  expect(align([marksOf({ points, details: [], samplingMs: 1_000 }, 0n)]).lines[0]?.dots).toEqual([4, 6]);
});

test("positionOf_counter_near_two_to_the_63_moves_by_its_own_steps", () => {
  const points = [0n, 1n, 2n].map((each) => point(Number(each), Number(each) * 1_000, 9_223_372_036_854_775_800n + each));
  const base = baseOf(points);
  expect(points.map(({ value }) => positionOf(value, base))).toEqual([-2, -1, 0]);
});

test.each([1e308, -1.7e308, Number.MAX_VALUE])("positionOf_%d_stays_where_axes_can_be_laid_out", (value) => {
  expect(Math.abs(positionOf(value, 0n))).toBeLessThanOrEqual(1e300);
});
