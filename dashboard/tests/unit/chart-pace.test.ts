import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { DrawPace } from "@/features/live/chart-pace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Samples come every 10 ms for 30 s, and a drawing takes *takesMs*: returns the share of the time that drawing took, and how often. */
function drawn(takesMs: number): { share: number; times: number } {
  let spentMs = 0;
  let times = 0;
  const now = (): number => performance.now() + spentMs;
  const pace = new DrawPace(() => {
    spentMs += takesMs;
    times += 1;
  }, now);
  for (let sample = 0; sample < 3_000; sample += 1) {
    pace.changed();
    vi.advanceTimersByTime(10);
  }
  const all = now();
  pace.end();
  expect(vi.getTimerCount()).toBe(0);
  return { share: spentMs / all, times };
}

test("chart_that_is_quickly_drawn_is_drawn_five_times_a_second", () => {
  expect(drawn(0).times).toBeGreaterThan(140);
  expect(drawn(0).times).toBeLessThanOrEqual(151);
});

test.each([5, 30, 120, 500])("chart_that_takes_%i_ms_to_draw_leaves_the_page_nine_tenths_of_its_time", (takesMs) => {
  const { share, times } = drawn(takesMs);
  expect(share).toBeLessThan(0.11);
  expect(times).toBeGreaterThan(1);
});

test("last_sample_is_drawn_though_none_follows", () => {
  let drawnAt = 0;
  const pace = new DrawPace(() => (drawnAt = performance.now()));
  pace.changed();
  vi.advanceTimersByTime(10);
  pace.changed();
  const changedAt = performance.now();
  vi.advanceTimersByTime(1_000);
  expect(drawnAt).toBeGreaterThan(changedAt);
  pace.end();
});
