import { expect, test } from "vitest";

import { axisLabels, padded, splitsBetween } from "@/lib/values/axis";

test.each([
  [0, 1, 0.2],
  [-5, 5, 2],
  [9.2e18, 9.2e18 + 4_096, 1_000],
  [9.2e18, 9.2e18, 0],
  [-1e300, 1e300, 0],
  [1e300, 1.0000001e300, 1],
  [0, 5e-324, 0],
  [0, 1, 1e-9],
])("splitsBetween_%d_and_%d_by_%d_are_few_and_finite", (low, high, step) => {
  const splits = splitsBetween(low, high, step);
  expect(splits.length).toBeGreaterThan(0);
  expect(splits.length).toBeLessThanOrEqual(41);
  expect(splits.every(Number.isFinite)).toBe(true);
});

test("axisLabels_tell_marks_apart_and_show_last_digits_of_long_integers", () => {
  expect(new Set(axisLabels([1_000_001, 1_000_002, 1_000_003], 0n)).size).toBe(3);
  expect(axisLabels([0, 5], 9_223_372_036_854_775_800n)).toEqual(["…775800", "…775805"]);
});

test.each([
  [-1e300, 1e300],
  [2 ** 53, 2 ** 53 + 2],
  [2 ** 63, 2 ** 63],
  [0, 1e-300],
])("padded_%d_to_%d_has_a_finite_width_that_its_numbers_can_tell_apart", (low, high) => {
  const [bottom, top] = padded(low, high);
  expect(bottom).toBeLessThan(low);
  expect(top).toBeGreaterThan(high);
  expect(Number.isFinite(top - bottom)).toBe(true);
});
