// @vitest-environment jsdom

import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";

import { Digits, ValueText } from "@/features/live/value-text";
import { BufferedCount, PresenceBadge } from "@/features/devices/presence";

afterEach(cleanup);

test("ValueText_of_the_largest_integer_copies_as_that_integer", () => {
  const { container } = render(<ValueText value={9223372036854775807n} />);
  expect(container.textContent).toBe("9223372036854775807");
});

test("ValueText_of_a_double_keeps_every_digit_in_its_title", () => {
  const { container } = render(<ValueText value={72.45123456789} />);
  expect(container.textContent).toBe("72.451");
  expect(container.querySelector("[title]")?.getAttribute("title")).toBe("72.45123456789");
});

test("Digits_of_a_negative_number_keep_its_sign", () => {
  expect(render(<Digits text="-1234567" />).container.textContent).toBe("-1234567");
});

test("BufferedCount_of_a_device_that_is_away_is_marked_as_an_estimate", () => {
  const figures = { pending: 10, sampling_interval_s: 1, heartbeat_interval_s: 5 };
  const device = { clientId: "d", said: "ONLINE", heardAt: 0, figures, enrolledAt: null, revokedAt: null };
  const { container } = render(<BufferedCount device={device as never} at={60_000} />);
  expect(container.textContent).toBe("≈70");
});

test("PresenceBadge_says_in_words_what_the_colour_says", () => {
  expect(render(<PresenceBadge presence="SYNCING" />).container.textContent).toBe("Syncing");
});
