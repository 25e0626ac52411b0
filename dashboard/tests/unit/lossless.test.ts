import { expect, test } from "vitest";

import { difference, digitGroups, exactText } from "@/lib/values/exact";
import { formatAge, formatCount, formatDouble, fractionDigits } from "@/lib/values/format";
import { parseLossless } from "@/lib/values/lossless";
import { unitOf } from "@/lib/values/unit";

const LARGEST = "9223372036854775807";

test("parseLossless_digits_only_is_a_bigint_digit_for_digit", () => {
  expect(parseLossless(`{"v":${LARGEST},"w":-9223372036854775808}`)).toEqual({ v: 9223372036854775807n, w: -9223372036854775808n });
});

test("parseLossless_point_or_exponent_is_a_number", () => {
  expect(parseLossless("[72.0, 1e3, -0.5, 1E-7]")).toEqual([72, 1000, -0.5, 1e-7]);
});

test("parseLossless_prototype_keys_are_keys_like_any_other", () => {
  const found = parseLossless('{"__proto__": {"polluted": 1.5}, "constructor": 2}') as Record<string, unknown>;
  expect(Object.keys(found)).toEqual(["__proto__", "constructor"]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test.each([
  [9223372036854775807n, LARGEST],
  [-1n, "-1"],
  [72, "72.0"],
  [72.45, "72.45"],
  [-0, "-0.0"],
  [1e21, "1e+21"],
  [0.1 + 0.2, "0.30000000000000004"],
  [true, "true"],
])("exactText_of_%s_keeps_every_digit", (value, text) => {
  expect(exactText(value)).toBe(text);
});

test.each([LARGEST, "-9223372036854775808", "0", "12", "123", "-123", "1234"])("digitGroups_of_%s_joined_again_are_the_number", (text) => {
  const groups = digitGroups(text);
  expect(groups.join("")).toBe(text);
  expect(groups.every((group) => group.replace("-", "").length <= 3)).toBe(true);
});

test("difference_of_large_integers_is_exact", () => {
  expect(difference(9223372036854775807n, 9223372036854775806n)).toBe(1n);
  expect(difference(true, false)).toBeNull();
});

test.each([
  [72.4512345, "72.451"],
  [0.00031774, "0.0003177"],
  [5, "5.0"],
  [123456.789, "123456.8"],
  [-3.25, "\u22123.25"],
  [1.5e15, "1.5000e15"],
])("formatDouble_of_%s_is_%s", (value, text) => {
  expect(formatDouble(value)).toBe(text);
});

test("formatDouble_too_small_for_the_places_does_not_pretend_to_be_zero", () => {
  expect(formatDouble(0.00004, 3)).toBe("4.0e-5".replace("-", "\u2212"));
});

test("fractionDigits_never_more_than_the_value_has", () => {
  expect(fractionDigits(33.8)).toBe(1);
  expect(fractionDigits(3.9e-6)).toBe(7);
});

test.each([
  [400, "now"],
  [4_000, "4 s"],
  [59_400, "59 s"],
  [125_000, "2 min"],
  [3 * 3_600_000, "3 h"],
  [50 * 3_600_000, "2 d"],
])("formatAge_of_%s_ms_is_%s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

test("formatCount_sets_thousands_apart", () => {
  expect(formatCount(1_204_331)).toBe("1\u2009204\u2009331");
});

test.each([
  ["cpu/percent", "%"],
  ["memory.used_bytes", "B"],
  ["disk.read_bytes_per_s", "B/s"],
  ["vibration.mm_per_s", "mm/s"],
  ["rpm", "rpm"],
  ["v", ""],
])("unitOf_%s_is_%s", (metric, unit) => {
  expect(unitOf(metric)).toBe(unit);
});
