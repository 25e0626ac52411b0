/** What the recent log says of a device's life, of commands, and of rows of the archive's logs. */

import { expect, test } from "vitest";

import { PAYLOAD_PARSERS, type PayloadTypes } from "@/contract/payloads";
import { auditEvent, rejectEvent } from "@/lib/engine/log-events";
import { Journal } from "@/lib/engine/journal";
import { BacklogStore } from "@/lib/store/backlog";
import { DeviceStore } from "@/lib/store/devices";
import { EventStore, MOST_OTHERS, MOST_SENT, type LogEvent } from "@/lib/store/events";
import { RateMeter } from "@/lib/store/rate";
import { parseLossless } from "@/lib/values/lossless";
import { grantedFilters } from "@/lib/mqtt/granted";
import { FakeClock } from "../support/fake-clock";

const STREAM = "01910000-0000-7000-8000-000000000001";
const COMMAND_ID = "01910000-0000-7000-8000-0000000000aa";
const AT = "2026-02-07T10:15:30.125Z";

function read<N extends keyof PayloadTypes>(name: N, text: string): PayloadTypes[N] {
  const found = PAYLOAD_PARSERS[name](parseLossless(text));
  if (!found.ok) {
    throw new Error(found.error);
  }
  return found.value;
}

class World {
  readonly clock = new FakeClock(Date.parse(AT));
  readonly devices = new DeviceStore(() => undefined);
  readonly events = new EventStore(() => undefined);
  readonly backlog = new BacklogStore();
  current = true;
  readonly isCurrent = (): boolean => this.current;
  readonly feed = {
    reading: (): void => undefined,
    batch: (): void => undefined,
    service: (): void => undefined,
    commandResult: (): void => undefined,
    heartbeat: (beat: PayloadTypes["Heartbeat"], retained: boolean): void => void this.devices.hear(beat, retained, this.clock.now()),
  };
  readonly journal = new Journal(this, this.clock);

  beat(status: string, figures = ""): void {
    const at = new Date(this.clock.now()).toISOString();
    this.journal.heartbeat(read("Heartbeat", `{"client_id":"d1","status":"${status}","timestamp":"${at}","stream":"${STREAM}"${figures}}`), false);
  }

  will(): void {
    this.journal.heartbeat(read("Heartbeat", '{"client_id":"d1","status":"OFFLINE"}'), false);
  }

  get said(): readonly string[] {
    return this.events.list().map((each) => `${each.clientId} ${each.text}`).toReversed();
  }
}

test("journal_device_that_is_cut_off_and_flushes_is_connected_lost_and_flushed_by_count", async () => {
  const world = new World();
  world.journal.start();
  world.beat("ONLINE", ',"pending":0,"last_sequence_no":10');
  world.will();
  await world.clock.advance(1_000);
  world.beat("SYNCING", ',"pending":40,"last_sequence_no":50');
  await world.clock.advance(500);
  world.beat("SYNCING", ',"pending":20,"last_sequence_no":51');
  await world.clock.advance(500);
  world.beat("ONLINE", ',"pending":0,"last_sequence_no":52');
  expect(world.said).toEqual(["d1 connected", "d1 lost", "d1 connected", "d1 flushed 42"]);
});

test("journal_device_that_falls_silent_is_lost_after_three_intervals", async () => {
  const world = new World();
  world.journal.start();
  world.beat("ONLINE", ',"heartbeat_interval_s":1');
  await world.clock.advance(2_500);
  expect(world.said).toEqual(["d1 connected"]);
  await world.clock.advance(2_000);
  expect(world.said).toEqual(["d1 connected", "d1 lost"]);
});

test("journal_while_the_browser_is_cut_off_nobody_is_said_to_be_lost", async () => {
  const world = new World();
  world.journal.start();
  world.beat("ONLINE", ',"heartbeat_interval_s":1');
  world.current = false;
  await world.clock.advance(60_000);
  expect(world.said).toEqual(["d1 connected"]);
});

test("journal_device_whose_heartbeat_is_the_first_thing_heard_has_come", () => {
  const world = new World();
  world.beat("ONLINE");
  expect(world.said).toEqual(["d1 connected"]);
});

test("journal_devices_that_are_there_when_the_page_opens_have_not_just_come", async () => {
  const world = new World();
  world.current = false;
  world.journal.start();
  world.beat("ONLINE");
  world.current = true;
  await world.clock.advance(2_000);
  world.beat("ONLINE");
  expect(world.said).toEqual([]);
});

test("journal_fast_device_has_one_line_a_second_with_every_digit", async () => {
  const world = new World();
  for (let sequence = 1; sequence <= 40; sequence += 1) {
    world.journal.reading(read("Reading", `{"client_id":"d1","stream":"${STREAM}","sequence_no":${sequence},"timestamp":"${AT}","metrics":{"on":true,"n":9223372036854775807}}`));
    await world.clock.advance(100);
  }
  expect(world.said).toEqual(Array.from({ length: 4 }, () => "d1 sent 9223372036854775807"));
});

test("journal_command_shows_who_the_broker_attests_never_what_the_payload_says", () => {
  const world = new World();
  const command = { command_id: COMMAND_ID, command: "FORCE_SYNC", args: {}, issued_by: "user:mallory", issued_at: AT, expires_at: AT };
  const record = { username: "user:olga", client_id: "web:1", topic: "command/d1/force_sync", payload: JSON.stringify(command), at: AT };
  world.journal.audit(read("AuditRecord", JSON.stringify(record)));
  world.journal.audit(read("AuditRecord", JSON.stringify({ ...record, payload: "<b>" })));
  world.journal.commandResult("d1", read("CommandResult", JSON.stringify({ command_id: COMMAND_ID, command: "FORCE_SYNC", status: "DONE", message: "", at: AT })));
  const row = { id: 7n, at: AT, actor: "user:olga", action: "command.published", entity_id: "d1", detail: parseLossless(JSON.stringify(record)) };
  const fromTheLog = auditEvent(row, (at) => at);
  expect(fromTheLog).not.toBeNull();
  if (fromTheLog !== null) {
    world.events.add(fromTheLog);
  }
  expect(world.events.list().map((each) => each.text).toSorted()).toEqual(["FORCE_SYNC", "FORCE_SYNC done"]);
  expect(world.events.list().map((each) => each.detail).join()).not.toContain("mallory");
});

test("log_rows_become_events_and_others_are_left_out", () => {
  const toLocal = (at: number): number => at + 1_000;
  const started = auditEvent({ id: 1n, at: AT, actor: "user:olga", action: "session.started", address: "10.0.0.1" }, toLocal);
  expect(started).toMatchObject({ kind: "sign-in", text: "signed in", detail: "olga from 10.0.0.1", at: Date.parse(AT) + 1_000 });
  expect(auditEvent({ id: 2n, at: AT, actor: "user:olga", action: "user.created" }, toLocal)).toBeNull();
  expect(rejectEvent({ id: 3n, received_at: AT, client_id: "d1", reason: "metrics: too many" }, toLocal)).toMatchObject({ clientId: "d1", kind: "rejected", detail: "metrics: too many" });
});

test("events_values_sent_never_push_out_what_is_rare", () => {
  const events = new EventStore(() => undefined);
  const event = (key: string, at: number, kind: LogEvent["kind"]): LogEvent => ({ key, at, kind, clientId: "d1", tone: "plain", text: key, detail: "" });
  events.add(event("lost", 1, "connection"));
  for (let index = 0; index < 10 * MOST_SENT; index += 1) {
    events.add(event(`sent ${index}`, 2 + index, "sent"));
  }
  events.add(event("lost", 1, "connection"));
  expect(events.list()).toHaveLength(MOST_SENT + 1);
  expect(events.list().at(-1)?.key).toBe("lost");
  for (let index = 0; index < 2 * MOST_OTHERS; index += 1) {
    events.add(event(`came ${index}`, 2 + index, "connection"));
  }
  expect(events.list()).toHaveLength(MOST_SENT + MOST_OTHERS);
});

test("backlog_progress_follows_the_falling_rate_and_says_nothing_while_it_does_not_fall", () => {
  const backlog = new BacklogStore();
  const beat = (pending: number, now: number): void => void backlog.hear(read("Heartbeat", `{"client_id":"d1","status":"SYNCING","timestamp":"${AT}","pending":${pending}}`), now);
  beat(1_000, 0);
  expect(backlog.progress("d1")).toEqual({ done: 0, perSecond: 0, leftMs: null });
  beat(900, 500);
  beat(800, 1_000);
  expect(backlog.progress("d1")).toMatchObject({ perSecond: 200, leftMs: 4_000 });
  expect(backlog.progress("d1")?.done).toBeCloseTo(0.2);
  for (let now = 1_500; now < 30_000; now += 500) {
    beat(800, now);
  }
  expect(backlog.progress("d1")).toMatchObject({ perSecond: 0, leftMs: null });
  expect(backlog.progress("d2")).toBeNull();
});

test("rate_is_the_mean_of_the_last_full_seconds", () => {
  const rate = new RateMeter();
  for (let at = 0; at < 10_000; at += 20) {
    rate.count(at);
  }
  expect(rate.perSecond(10_000)).toBe(50);
  expect(rate.perSecond(20_000)).toBe(0);
});

test.each([
  ["what the token opens", ["telemetry/+/live", "audit/command"], ["telemetry/+/live", "heartbeat/+"], ["telemetry/+/live"]],
  ["one device below a wildcard", ["telemetry/d1/buffered"], ["telemetry/+/buffered"], ["telemetry/d1/buffered"]],
  ["no wildcard below one device", ["telemetry/+/live", "heartbeat/+"], ["telemetry/d1/live", "heartbeat/+"], ["heartbeat/+"]],
  ["everything when nothing is granted, so that the broker says no", ["telemetry/+/live"], [], ["telemetry/+/live"]],
])("granted_filters_are_%s", (_case, wanted, subscribable, expected) => {
  expect(grantedFilters(wanted, subscribable)).toEqual(expected);
});
