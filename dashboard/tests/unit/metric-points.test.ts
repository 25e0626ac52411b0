import { expect, test } from "vitest";

import { cameAfter, drawnOf, joined } from "@/features/devices/metric-points";
import { baseFor } from "@/lib/store/drawing";
import type { Point } from "@/lib/store/points";

const HIGHEST = 9_223_372_036_854_775_807n;

function samples(...values: Point["value"][]): Point[] {
  return values.map((value, index) => ({ at: index * 1_000, value, stream: "s", sequence: BigInt(index) }));
}

test("drawnOf_counter_near_two_to_the_63_moves_by_its_own_steps", () => {
  const points = samples(HIGHEST - 2n, HIGHEST - 1n, HIGHEST);
  expect(drawnOf(points, 5_000, baseFor(points, 0n))[1]).toEqual([-2, -1, 0]);
});

test("drawnOf_doubles_at_the_ends_of_their_range_have_a_finite_height", () => {
  const heights = drawnOf(samples(-1e308, 1e308), 5_000, 0n)[1];
  expect(Number.isFinite((heights[1] ?? 0) - (heights[0] ?? 0))).toBe(true);
});

test("drawnOf_a_gap_is_a_gap", () => {
  expect(drawnOf(samples(1, 2), 500, 0n)[1]).toEqual([1, null, 2]);
});

test("baseFor_held_base_stays_while_the_counter_is_near_it_and_ends_with_the_need_for_one", () => {
  expect(baseFor(samples(HIGHEST), HIGHEST - 5n)).toBe(HIGHEST - 5n);
  expect(baseFor(samples(HIGHEST), -HIGHEST)).toBe(HIGHEST);
  expect(baseFor(samples(7n), HIGHEST)).toBe(0n);
});

test("cameAfter_is_every_sample_since_however_many_came_at_once", () => {
  const recent = samples(1, 2, 99, 3);
  expect(cameAfter(recent, recent[1])).toEqual(recent.slice(2));
  expect(cameAfter(recent, recent[3])).toEqual([]);
  expect(cameAfter(recent, undefined)).toEqual(recent);
});

test("cameAfter_a_sample_that_the_ring_has_dropped_is_everything_and_joined_draws_each_once", () => {
  const recent = samples(1, 2, 3);
  const live = [...recent, ...cameAfter(recent, { ...samples(0)[0], at: -1_000 } as Point)];
  expect(joined({ from: 0, to: 1_000, bucketMs: 0, points: recent.slice(0, 1) }, live, 0)).toEqual(recent);
  expect(joined(undefined, live, 1_000)).toEqual(recent.slice(1));
});
