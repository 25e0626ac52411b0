/** What can be asked of the access decision: kinds of principals, names to choose from, examples. Pure. */

import { buildTopic, isDeviceId } from "@/contract/topics";
import type { TopicAction } from "@/lib/api/access";

export type PrincipalKind = "user" | "device" | "integration" | "service";

const SERVICES = ["ingest", "auth-api"] as const;

export interface Example {
  readonly words: string;
  readonly kind: PrincipalKind;
  readonly name: string;
  readonly action: TopicAction;
  readonly topic: string;
}

export function principalKind(text: string): PrincipalKind {
  return text === "device" || text === "integration" || text === "service" ? text : "user";
}

export function nameSuggestions(kind: PrincipalKind, people: readonly string[], devices: readonly string[]): readonly string[] {
  switch (kind) {
    case "user":
      return people;
    case "device":
      return devices;
    case "service":
      return SERVICES;
    case "integration":
      return [];
  }
}

type Asked = readonly [words: string, action: TopicAction, topic: string];

function ofPerson(name: string): readonly Asked[] {
  return [
    [`May ${name} watch live values?`, "subscribe", buildTopic("TELEMETRY_LIVE", { client_id: "+" })],
    [`May ${name} make a device catch up?`, "publish", buildTopic("COMMAND_FORCE_SYNC", { client_id: "device-1" })],
    [`May ${name} read the command log?`, "subscribe", buildTopic("AUDIT_COMMAND", {})],
    [`May ${name} read everything?`, "subscribe", "#"],
  ];
}

function ofDevice(name: string): readonly Asked[] {
  const id = isDeviceId(name) ? name : "device-1";
  return [
    [`May ${id} send its own values?`, "publish", buildTopic("TELEMETRY_LIVE", { client_id: id })],
    [`May ${id} send as another device?`, "publish", buildTopic("TELEMETRY_LIVE", { client_id: `not-${id}`.slice(0, 64) })],
    [`May ${id} get its receipts?`, "subscribe", buildTopic("RECEIPT", { client_id: id })],
  ];
}

function ofIntegration(name: string): readonly Asked[] {
  return [
    [`May ${name} read live values?`, "subscribe", buildTopic("TELEMETRY_LIVE", { client_id: "+" })],
    [`May ${name} send a command?`, "publish", buildTopic("COMMAND_RELOAD", { client_id: "device-1" })],
  ];
}

function ofService(name: string): readonly Asked[] {
  return [
    [`May ${name} give receipts?`, "publish", buildTopic("RECEIPT", { client_id: "device-1" })],
    [`May ${name} read heartbeats?`, "subscribe", buildTopic("HEARTBEAT", { client_id: "+" })],
  ];
}

/** Questions about *name* that people have; none without a name. */
export function examples(kind: PrincipalKind, name: string): readonly Example[] {
  if (name.trim() === "") {
    return [];
  }
  const of = { user: ofPerson, device: ofDevice, integration: ofIntegration, service: ofService }[kind];
  return of(name.trim()).map(([words, action, topic]) => ({ words, kind, name: name.trim(), action, topic }));
}
