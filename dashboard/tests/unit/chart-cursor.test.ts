import { expect, test } from "vitest";

import { chartKey } from "@/features/live/chart-cursor";

const SHOWN = { from: 0, to: 1_000 };

test("chartKey_arrows_move_the_cursor_inside_what_is_shown", () => {
  expect(chartKey("ArrowLeft", SHOWN, null)).toEqual({ kind: "cursor", at: 990 });
  expect(chartKey("ArrowRight", SHOWN, 995)).toEqual({ kind: "cursor", at: 1_000 });
  expect(chartKey("PageDown", SHOWN, 50)).toEqual({ kind: "cursor", at: 0 });
  expect(chartKey("Home", SHOWN, 500)).toEqual({ kind: "cursor", at: 0 });
});

test("chartKey_plus_looks_closer_around_the_cursor_and_stays_inside", () => {
  expect(chartKey("+", SHOWN, 500)).toEqual({ kind: "zoom", span: { from: 375, to: 625 } });
  expect(chartKey("+", SHOWN, 1_000)).toEqual({ kind: "zoom", span: { from: 750, to: 1_000 } });
});

test("chartKey_escape_takes_the_cursor_away_before_it_goes_back", () => {
  expect(chartKey("Escape", SHOWN, 500)).toEqual({ kind: "cursor", at: null });
  expect(chartKey("Escape", SHOWN, null)).toEqual({ kind: "back" });
  expect(chartKey("a", SHOWN, null)).toBeNull();
});
