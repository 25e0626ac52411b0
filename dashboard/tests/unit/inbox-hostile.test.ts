/** Hostile payloads on every topic that the dashboard subscribes to: ignored, counted, nothing leaves a trace. */

import { afterEach, expect, test } from "vitest";

import { Inbox, type AllReaders } from "@/lib/mqtt/inbox";
import { readMessage } from "@/lib/mqtt/read-message";

const TOPICS = ["telemetry/d1/live", "telemetry/d1/buffered", "heartbeat/d1", "command/d1/result", "audit/command", "system/ingest/main/status"];
const HOSTILE: readonly (readonly [string, string | Uint8Array])[] = [
  ["nothing", ""],
  ["null", "null"],
  ["a list", "[]"],
  ["a text", '"telemetry"'],
  ["a number", "1e999"],
  ["markup", "<img src=x onerror=alert(1)>"],
  ["bytes that are no text", new Uint8Array([0xff, 0xfe, 0x00])],
  ["a cut off object", '{"client_id":"d1"'],
  ["two objects", "{}{}"],
  ["deep lists", "[".repeat(200_000)],
  ["deep objects", '{"a":'.repeat(50_000) + "1" + "}".repeat(50_000)],
  ["prototype keys alone", '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
  ["fields of wrong types", '{"client_id":["d1"],"stream":{},"sequence_no":"1","status":7,"metrics":[],"readings":{},"timestamp":false}'],
  ["a number of 100,000 digits", `{"client_id":"d1","sequence_no":${"9".repeat(100_000)}}`],
  ["too many bytes", `{"client_id":"d1","padding":"${"x".repeat(300_000)}"}`],
];

function world(): { inbox: Inbox; seen: unknown[] } {
  const seen: unknown[] = [];
  const note = (...each: unknown[]): void => void seen.push(each);
  const readers: AllReaders = { reading: note, batch: note, heartbeat: note, service: note, commandResult: note, audit: note };
  return { seen, inbox: new Inbox(readers) };
}

afterEach(() => {
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test.each(TOPICS.flatMap((topic) => HOSTILE.flatMap(([what, payload]) => [false, true].map((retained) => ({ topic, what, payload, retained })))))(
  "receive_$what on $topic (retained: $retained) is ignored and counted",
  ({ topic, payload, retained }) => {
    const { inbox, seen } = world();
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    inbox.receive(readMessage({ topic, payload: bytes, retained }));
    expect(seen).toEqual([]);
    expect(inbox.ignored.get().count).toBe(1);
    expect(inbox.ignored.get().last.length).toBeLessThanOrEqual(310);
  },
);

test.each(["1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "9223372036854775807", "-9223372036854775808"])("receive_%s_is_a_value_like_any_other", (value) => {
  const { inbox, seen } = world();
  const text = `{"client_id":"d1","stream":"01910000-0000-7000-8000-000000000001","sequence_no":1,"timestamp":"2026-02-07T10:15:30.125Z","metrics":{"constructor":${value}}}`;
  inbox.receive(readMessage({ topic: "telemetry/d1/live", payload: new TextEncoder().encode(text), retained: false }));
  expect(seen).toHaveLength(1);
  expect(inbox.ignored.get().count).toBe(0);
});
