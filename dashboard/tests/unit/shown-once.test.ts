// @vitest-environment jsdom

import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { useShownOnce } from "@/components/ui/shown-once";

afterEach(cleanup);

test("useShownOnce_leaving_is_asked_about_while_it_is_held_and_closes_at_once_afterwards", () => {
  const onClose = vi.fn();
  const { result, rerender } = renderHook(({ held }) => useShownOnce(held, onClose), { initialProps: { held: true } });
  act(() => result.current.leave());
  expect(result.current.leaving).toBe(true);
  act(() => result.current.stay());
  expect(result.current.leaving).toBe(false);
  expect(onClose).not.toHaveBeenCalled();
  rerender({ held: false });
  act(() => result.current.leave());
  expect(onClose).toHaveBeenCalledOnce();
});

test("useShownOnce_what_is_shown_next_in_the_same_window_has_not_been_left_yet", () => {
  const { result, rerender } = renderHook(({ held }) => useShownOnce(held, vi.fn()), { initialProps: { held: true } });
  act(() => result.current.leave());
  rerender({ held: false });
  rerender({ held: true });
  expect(result.current.leaving).toBe(false);
});
