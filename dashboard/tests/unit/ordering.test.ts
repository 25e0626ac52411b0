import { expect, test } from "vitest";

import { supersedes, type Position } from "@/lib/store/ordering";

const OLD = "01900000-0000-7000-8000-000000000001";
const NEW = "01910000-0000-7000-8000-000000000002";

function at(stream: string, sequence: bigint | null, recordedAt: number): Position {
  return { stream, sequence, recordedAt };
}

test("supersedes_nothing_shown_takes_anything", () => {
  expect(supersedes(at(OLD, 1n, 0), null, null)).toBe(true);
});

test.each([
  ["a later number", at(NEW, 8n, 50), at(NEW, 7n, 100), true],
  ["the same number", at(NEW, 7n, 100), at(NEW, 7n, 100), false],
  ["an earlier number with a later time", at(NEW, 6n, 500), at(NEW, 7n, 100), false],
])("supersedes_same_stream_%s", (_case, next, shown, expected) => {
  expect(supersedes(next, shown, NEW)).toBe(expected);
});

test("supersedes_replay_of_an_older_stream_never_wins_though_it_arrives_late", () => {
  expect(supersedes(at(OLD, 900n, 10_000), at(NEW, 1n, 5_000), NEW)).toBe(false);
});

test("supersedes_current_stream_wins_though_the_clock_was_set_back", () => {
  expect(supersedes(at(NEW, 1n, 10), at(OLD, 900n, 99_000), NEW)).toBe(true);
});

test("supersedes_unknown_current_stream_the_later_time_decides", () => {
  expect(supersedes(at(NEW, 1n, 200), at(OLD, 9n, 100), null)).toBe(true);
  expect(supersedes(at(NEW, 1n, 100), at(OLD, 9n, 200), null)).toBe(false);
});

test("supersedes_without_numbers_the_later_time_decides", () => {
  expect(supersedes(at(NEW, null, 200), at(NEW, 3n, 100), NEW)).toBe(true);
  expect(supersedes(at(NEW, null, 100), at(NEW, 3n, 100), NEW)).toBe(false);
});
