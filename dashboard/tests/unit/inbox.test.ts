import { expect, test } from "vitest";

import { Inbox } from "@/lib/mqtt/inbox";
import { FlowControl, MESSAGES_AT_A_TIME } from "@/lib/mqtt/flow";
import { readMessage } from "@/lib/mqtt/read-message";

const STREAM = "01910000-0000-7000-8000-000000000001";
const GOOD = `{"client_id":"d1","stream":"${STREAM}","sequence_no":1,"timestamp":"2026-02-07T10:15:30.125Z","metrics":{"t":72.0,"n":9223372036854775807,"__proto__":true}}`;

function world(): { inbox: Inbox; seen: unknown[] } {
  const seen: unknown[] = [];
  const note = (each: unknown): void => void seen.push(each);
  return { seen, inbox: new Inbox({ reading: note, batch: note, heartbeat: note, service: note, audit: note, commandResult: (_, result) => note(result) }) };
}

function receive(inbox: Inbox, topic: string, text: string | Uint8Array): void {
  const payload = typeof text === "string" ? new TextEncoder().encode(text) : text;
  inbox.receive(readMessage({ topic, payload, retained: false }));
}

test("receive_good_reading_reaches_its_reader_with_every_digit", () => {
  const { inbox, seen } = world();
  receive(inbox, "telemetry/d1/live", GOOD);
  expect((seen[0] as { metrics: Map<string, unknown> }).metrics).toEqual(new Map<string, unknown>([["t", 72], ["n", 9223372036854775807n], ["__proto__", true]]));
  expect(inbox.ignored.get().count).toBe(0);
});

test.each([
  ["markup", "telemetry/d1/live", "<script>alert(1)</script>"],
  ["not UTF-8", "telemetry/d1/live", new Uint8Array([0xff, 0xfe, 0x7b])],
  ["another device's id", "telemetry/d2/live", GOOD],
  ["a number beyond all bounds", "telemetry/d1/live", GOOD.replace("72.0", "1e999")],
  ["an integer beyond 64 bits", "telemetry/d1/live", GOOD.replace("9223372036854775807", "9223372036854775808")],
  ["too many bytes", "telemetry/d1/live", GOOD.replace("}}", `},"padding":"${"x".repeat(300_000)}"}`)],
  ["deep nesting", "telemetry/d1/live", "[".repeat(200_000)],
  ["a foreign topic", "somewhere/else", "{}"],
  ["a malformed id in the topic", "telemetry/<b>/live", GOOD],
  ["nothing", "heartbeat/d1", ""],
  ["another service's name", "system/ingest/main/status", '{"service":"auth-api","instance":"main","status":"ONLINE"}'],
])("receive_%s_is_ignored_and_counted", (_case, topic, payload) => {
  const { inbox, seen } = world();
  receive(inbox, topic, payload);
  expect(seen).toEqual([]);
  expect(inbox.ignored.get().count).toBe(1);
  receive(inbox, "telemetry/d1/live", GOOD);
  expect(seen).toHaveLength(1);
});

test("flow_control_holds_the_broker_back_until_the_page_had_its_turn", () => {
  const turns: (() => void)[] = [];
  const flow = new FlowControl((run) => turns.push(run));
  let acknowledged = 0;
  for (let message = 0; message < MESSAGES_AT_A_TIME; message += 1) {
    flow.handled(() => (acknowledged += 1));
  }
  expect(acknowledged).toBe(MESSAGES_AT_A_TIME - 1);
  turns.forEach((run) => run());
  expect(acknowledged).toBe(MESSAGES_AT_A_TIME);
});
