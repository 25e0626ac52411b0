import { expect, test } from "vitest";

import { lanesOf, scalesOf, type PlotSeries } from "@/features/live/chart-scales";

function series(metric: string, magnitude = 1, more: Partial<PlotSeries> = {}): PlotSeries {
  return { clientId: "d1", metric, isBoolean: false, banded: false, base: 0n, magnitude, colour: "#fff", ...more };
}

test("scalesOf_one_unit_shares_a_scale_and_two_units_do_not", () => {
  const [cpu, memory, speed] = scalesOf([series("cpu/percent", 2), series("memory/percent", 1), series("motor/speed_rpm", 3)]);
  expect(cpu).toBe(memory);
  expect(speed).not.toBe(cpu);
});

test("scalesOf_metric_that_would_be_a_flat_line_beside_another_has_a_scale_of_its_own", () => {
  const [memory, cache, chip] = scalesOf([series("memory_bytes", 10), series("cache_bytes", 9), series("chip_bytes", 4)]);
  expect(memory).toBe(cache);
  expect(chip).not.toBe(memory);
});

test("scalesOf_same_metric_of_two_devices_shares_one", () => {
  const [one, other] = scalesOf([series("parts"), series("parts", 1, { clientId: "d2" })]);
  expect(one).toBe(other);
});

test("lanesOf_each_boolean_has_its_own", () => {
  expect(lanesOf([series("a"), series("b", 0, { isBoolean: true }), series("c", 0, { isBoolean: true })])).toEqual([0, 0, 1]);
});
