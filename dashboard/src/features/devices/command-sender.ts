/**
 * Gives a command to a device: straight over the broker, on the device's own topic (B4).
 *
 * Handed over means that the broker has it, no more. Times in the command are the server's, since the device judges
 * by those. `issued_by` is what the broker attests anyway; screens show the audit log's word.
 */

import { encodeCommand } from "@/contract/payloads";
import { buildTopic, type TopicName } from "@/contract/topics";
import type { Person } from "@/lib/api/session";
import type { Engine } from "@/lib/engine/engine";
import type { CommandName } from "@/lib/store/commands";
import { systemClock } from "@/lib/time/clock";

/** The broker answers within this time, or the command counts as not handed over. */
const ACKNOWLEDGED_WITHIN_MS = 8_000;

const TOPICS = {
  FORCE_SYNC: "COMMAND_FORCE_SYNC",
  UPDATE_CONFIG: "COMMAND_UPDATE_CONFIG",
  RELOAD: "COMMAND_RELOAD",
} as const satisfies Readonly<Record<CommandName, TopicName>>;

/** A random (version 4) UUID; `crypto.randomUUID` is missing where the page came over plain HTTP from another machine. */
export function randomUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function withinTime(acknowledged: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.after(ACKNOWLEDGED_WITHIN_MS, () => reject(new Error("The broker did not acknowledge it in time; it may have it all the same.")));
    acknowledged.then(resolve, reject).finally(() => systemClock.cancel(timer));
  });
}

/** Sends a command that is void after *lifeMs*, and keeps account of it in the engine's store. Never throws. */
export async function sendCommand({ api, commands, link }: Engine, person: Person, clientId: string, command: CommandName, lifeMs: number): Promise<void> {
  const commandId = randomUuid();
  const sentAt = systemClock.now();
  const issuedAt = api.serverNow();
  commands.add({ commandId, clientId, command, sentAt, expiresAt: sentAt + lifeMs, delivery: "sending", trouble: "" });
  const payload = encodeCommand({
    command_id: commandId,
    command,
    args: new Map(),
    issued_by: `user:${person.username}`,
    issued_at: new Date(issuedAt).toISOString(),
    expires_at: new Date(issuedAt + lifeMs).toISOString(),
  });
  try {
    await withinTime(link.publish(buildTopic(TOPICS[command], { client_id: clientId }), payload));
    commands.deliver(commandId, "sent");
  } catch (error) {
    commands.deliver(commandId, "unsent", error instanceof Error ? error.message : "The broker could not be reached.");
  }
}
