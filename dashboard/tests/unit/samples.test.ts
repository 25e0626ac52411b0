import { expect, test } from "vitest";

import type { Point } from "@/lib/store/points";
import { MOST_LIVE_POINTS, Samples } from "@/lib/store/samples";

const STREAM = "01910000-0000-7000-8000-000000000001";

function point(sequence: number, replayed = false): Point {
  return { at: sequence * 1_000, value: sequence, stream: STREAM, sequence: BigInt(sequence), ...(replayed ? { replayed } : {}) };
}

function numbers(samples: Samples): number[] {
  return samples.points().map((each) => Number(each.sequence));
}

function history(from: number, to: number, bucketMs = 0): Parameters<Samples["setOverview"]>[0] {
  return { from: from * 1_000, to: to * 1_000, bucketMs, points: Array.from({ length: to - from + 1 }, (_, index) => point(from + index)) };
}

test("offer_sample_that_comes_twice_counts_once_and_a_late_one_takes_its_place", () => {
  const samples = new Samples([point(1)]);
  [2, 5, 2, 4, 3, 5].forEach((each) => samples.offer(point(each)));
  expect(numbers(samples)).toEqual([1, 2, 3, 4, 5]);
});

test("setOverview_joins_what_came_live_meanwhile_without_duplicates", () => {
  const samples = new Samples([point(3), point(4)]);
  samples.setOverview(history(1, 3), false);
  samples.offer(point(3));
  samples.offer(point(5));
  expect(numbers(samples)).toEqual([1, 2, 3, 4, 5]);
});

test("offer_is_bounded_and_says_when_it_is_full", () => {
  const samples = new Samples([]);
  const full = Array.from({ length: 5 * MOST_LIVE_POINTS }, (_, index) => samples.offer(point(index))).filter(Boolean);
  expect(full.length).toBeGreaterThan(5);
  expect(samples.points().length).toBeLessThanOrEqual(MOST_LIVE_POINTS);
});

test("points_is_the_same_array_until_something_changes", () => {
  const samples = new Samples([point(1)]);
  const before = samples.points();
  samples.offer(point(1));
  expect(samples.points()).toBe(before);
  samples.offer(point(2));
  expect(samples.points()).not.toBe(before);
  expect(before).toHaveLength(1);
});

test("setOverview_settled_marks_nothing_as_replayed_any_more", () => {
  const samples = new Samples([]);
  [2, 3].forEach((each) => samples.offer(point(each, true)));
  samples.setOverview(history(1, 2), false);
  expect(samples.points().map((each) => each.replayed === true)).toEqual([false, false, true]);
  samples.setOverview(history(1, 4), true);
  expect(samples.points().some((each) => each.replayed)).toBe(false);
});

test("setCloser_goes_again_and_leaves_the_overview", () => {
  const samples = new Samples([]);
  const whole = history(1, 100, 10_000);
  samples.setOverview({ ...whole, points: whole.points.filter((_, index) => index % 10 === 0) }, false);
  const before = numbers(samples);
  samples.setCloser(history(40, 49));
  expect(numbers(samples)).toContain(45);
  expect(samples.details().map((each) => each.bucketMs)).toEqual([10_000, 0]);
  samples.setCloser(null);
  expect(numbers(samples)).toEqual(before);
});

test("hasSeam_is_a_number_missing_where_history_and_live_part_meet", () => {
  const samples = new Samples([]);
  samples.setOverview(history(1, 20), false);
  samples.offer(point(21));
  expect(samples.hasSeam()).toBe(false);
  samples.offer(point(23));
  expect(samples.hasSeam()).toBe(true);
  samples.offer(point(22));
  expect(samples.hasSeam()).toBe(false);
});
