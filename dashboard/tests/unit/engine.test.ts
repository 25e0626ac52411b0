// @vitest-environment jsdom

import { beforeEach, expect, test, vi } from "vitest";

import type { SessionState } from "@/lib/api/session";
import { Engine } from "@/lib/engine/engine";
import type { LogEvent } from "@/lib/store/events";

const { never } = vi.hoisted(() => ({ never: (): Promise<never> => new Promise(() => undefined) }));
vi.mock("@/lib/api/http", () => ({ sendHttp: never }));
vi.mock("@/lib/mqtt/worker-connection", () => ({ startWorker: never, workerConnections: (): unknown => never }));

const SIGN_IN: LogEvent = { key: "audit 1", at: 1, kind: "sign-in", clientId: "", tone: "plain", text: "signed in", detail: "admin from 192.0.2.7" };

let engine: Engine;
let filters: () => readonly string[] | undefined;
let changes: () => number;

function rights(...permissions: string[]): void {
  const person = { id: "u1", username: "operator", roles: [], permissions: new Set(permissions) };
  // Only the session itself may set it, and here stands for it.
  const state = engine.session.state as unknown as { set: (state: SessionState) => void };
  state.set({ phase: "signed-in", person });
}

beforeEach(() => {
  engine = new Engine();
  const start = vi.spyOn(engine.link, "start");
  const change = vi.spyOn(engine.link, "setFilters");
  filters = () => (change.mock.lastCall ?? start.mock.lastCall)?.[0];
  changes = () => start.mock.calls.length + change.mock.calls.length;
  return engine.start();
});

test("engine_right_to_see_logs_lost_takes_what_stood_in_the_recent_log_and_the_audit_topic_away", () => {
  rights("VIEW_DASHBOARD", "VIEW_LOGS");
  expect(filters()).toContain("audit/command");
  engine.events.add(SIGN_IN);
  rights("VIEW_DASHBOARD");
  expect(engine.events.list()).toEqual([]);
  expect(filters()).not.toContain("audit/command");
  expect(engine.link.state.phase).toBe("connecting");
});

test("engine_right_to_see_logs_gained_asks_for_a_token_that_allows_the_audit_topic_and_forgets_nothing", () => {
  rights("VIEW_DASHBOARD");
  const renewal = vi.spyOn(engine.link, "renewWith");
  engine.events.add({ ...SIGN_IN, kind: "connection" });
  rights("VIEW_DASHBOARD", "VIEW_LOGS");
  expect(renewal.mock.lastCall?.[0]).toContain("audit/command");
  expect(engine.events.list()).toHaveLength(1);
});

test("engine_other_rights_change_nothing_of_the_connection", () => {
  rights("VIEW_DASHBOARD", "VIEW_LOGS");
  engine.events.add(SIGN_IN);
  const before = changes();
  rights("VIEW_DASHBOARD", "VIEW_LOGS", "MANAGE_USERS");
  expect(changes()).toBe(before);
  expect(engine.events.list()).toHaveLength(1);
});
