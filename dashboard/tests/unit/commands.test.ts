import { expect, test } from "vitest";

import { Inbox } from "@/lib/mqtt/inbox";
import { readMessage } from "@/lib/mqtt/read-message";
import { CommandStore, stageOf, type SentCommand } from "@/lib/store/commands";

const ID = "01910000-0000-7000-8000-000000000001";
const EXPIRES_AT = 60_000;

function sent(changes: Partial<SentCommand> = {}): SentCommand {
  return { commandId: ID, clientId: "d1", command: "FORCE_SYNC", sentAt: 0, expiresAt: EXPIRES_AT, delivery: "sending", trouble: "", ...changes };
}

test.each([
  ["is being handed over", { delivery: "sending", status: null }, "ONLINE", 0, "sending"],
  ["the broker does not have it", { delivery: "unsent", status: null }, "ONLINE", 90_000, "unsent"],
  ["its device is there", { delivery: "sent", status: null }, "ONLINE", 1_000, "sent"],
  ["its device catches up", { delivery: "sent", status: null }, "SYNCING", 1_000, "sent"],
  ["its device is not there", { delivery: "sent", status: null }, "OFFLINE", 1_000, "away"],
  ["an answer of the last moment may be on its way", { delivery: "sent", status: null }, "ONLINE", 61_000, "sent"],
  ["nobody answered in time", { delivery: "sent", status: null }, "OFFLINE", 63_000, "silent"],
  ["the device says done", { delivery: "sent", status: "DONE" }, "OFFLINE", 63_000, "done"],
  ["the answer comes before the acknowledgement", { delivery: "sending", status: "FAILED" }, "ONLINE", 0, "failed"],
  ["the device says too late", { delivery: "sent", status: "EXPIRED" }, "ONLINE", 0, "expired"],
] as const)("stage_%s", (_name, command, presence, now, stage) => {
  expect(stageOf({ ...command, expiresAt: EXPIRES_AT }, presence, now)).toBe(stage);
});

test("answer_reaches_the_store_through_the_inbox_and_counts_once", () => {
  const store = new CommandStore();
  const ignore = (): void => undefined;
  const inbox = new Inbox({ reading: ignore, batch: ignore, heartbeat: ignore, service: ignore, audit: ignore, commandResult: (clientId, result) => store.hear(clientId, result) });
  store.add(sent());
  const text = `{"command_id":"${ID}","command":"FORCE_SYNC","status":"DONE","message":"<b>flushed</b>","at":"2026-02-07T10:15:30.125Z"}`;
  for (let copy = 0; copy < 2; copy += 1) {
    inbox.receive(readMessage({ topic: "command/d1/result", payload: new TextEncoder().encode(text), retained: false }));
  }
  expect(store.answers.get()).toMatchObject([{ clientId: "d1", command_id: ID, status: "DONE", message: "<b>flushed</b>" }]);
});

test("delivery_of_one_command_leaves_the_others_alone", () => {
  const store = new CommandStore();
  store.add(sent());
  store.add(sent({ commandId: "other" }));
  store.deliver("other", "unsent", "no broker");
  expect(store.sent.get().map((each) => [each.commandId, each.delivery, each.trouble])).toEqual([["other", "unsent", "no broker"], [ID, "sending", ""]]);
});
