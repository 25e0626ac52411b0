import { expect, test } from "vitest";

import { parseHeartbeat, type Heartbeat } from "@/contract/payloads";
import { bufferOf, DeviceStore, presenceOf, type Device } from "@/lib/store/devices";

const START = 1_700_000_000_000;

function beat(fields: Record<string, unknown> = {}): Heartbeat {
  const found = parseHeartbeat({
    client_id: "d1",
    status: "ONLINE",
    timestamp: "2026-02-07T10:15:30.125Z",
    pending: 40n,
    sampling_interval_s: 0.5,
    heartbeat_interval_s: 5.0,
    ...fields,
  });
  if (!found.ok) {
    throw new Error(found.error);
  }
  return found.value;
}

function will(): Heartbeat {
  const found = parseHeartbeat({ client_id: "d1", status: "OFFLINE" });
  if (!found.ok) {
    throw new Error(found.error);
  }
  return found.value;
}

function heard(...beats: (readonly [Heartbeat, boolean])[]): Device {
  const store = new DeviceStore(() => undefined);
  beats.forEach(([each, retained]) => store.hear(each, retained, START));
  const device = store.one("d1");
  if (device === null) {
    throw new Error("no device");
  }
  return device;
}

test("presence_three_intervals_without_a_heartbeat_is_offline", () => {
  const device = heard([beat(), false]);
  expect(presenceOf(device, START + 15_000)).toBe("ONLINE");
  expect(presenceOf(device, START + 15_001)).toBe("OFFLINE");
});

test("presence_of_a_slow_heart_is_judged_by_its_own_interval", () => {
  const device = heard([beat({ heartbeat_interval_s: 60.0 }), false]);
  expect(presenceOf(device, START + 170_000)).toBe("ONLINE");
});

test("retained_heartbeat_brings_figures_but_no_presence", () => {
  const device = heard([beat(), true]);
  expect(presenceOf(device, START)).toBe("OFFLINE");
  expect(device.figures?.pending).toBe(40);
});

test("retained_offline_is_the_last_word_also_against_a_list_that_has_not_heard_it", () => {
  const store = new DeviceStore((run) => run());
  const listed = { clientId: "d1", said: "ONLINE", heardAt: START - 100, figures: null, enrolledAt: START, revokedAt: null } as const;
  store.list([listed]);
  store.hear(will(), true, START);
  const presence = (): string => presenceOf(store.one("d1") ?? { ...listed, said: "SYNCING" }, START);
  expect(presence()).toBe("OFFLINE");
  store.list([listed]);
  expect(presence()).toBe("OFFLINE");
  store.list([{ ...listed, heardAt: START + 100 }]);
  expect(presence()).toBe("ONLINE");
});

test("will_turns_offline_at_once_and_keeps_the_last_figures", () => {
  const device = heard([beat(), false], [will(), false]);
  expect(presenceOf(device, START)).toBe("OFFLINE");
  expect(device.figures?.pending).toBe(40);
});

test("syncing_is_shown_as_said", () => {
  expect(presenceOf(heard([beat({ status: "SYNCING" }), false]), START)).toBe("SYNCING");
});

test("buffer_of_a_device_that_is_there_is_its_figure", () => {
  expect(bufferOf(heard([beat(), false]), START + 4_000)).toEqual({ count: 40, estimated: false });
});

test("buffer_of_a_device_that_is_away_is_an_estimate_from_elapsed_time", () => {
  expect(bufferOf(heard([beat(), false], [will(), false]), START + 10_000)).toEqual({ count: 60, estimated: true });
});

test("server_list_does_not_overrule_what_was_heard_here_since", () => {
  const store = new DeviceStore(() => undefined);
  store.hear(beat(), false, START);
  store.list([{ clientId: "d1", said: "OFFLINE", heardAt: START - 60_000, figures: null, enrolledAt: 5, revokedAt: null }]);
  expect(store.one("d1")).toMatchObject({ said: "ONLINE", heardAt: START, enrolledAt: 5 });
});

test("device_that_left_the_servers_list_is_gone", () => {
  const store = new DeviceStore(() => undefined);
  store.list([{ clientId: "d1", said: "ONLINE", heardAt: START, figures: null, enrolledAt: 5, revokedAt: null }]);
  store.list([]);
  expect(store.all()).toEqual([]);
});
