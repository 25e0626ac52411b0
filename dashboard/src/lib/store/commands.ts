/**
 * Commands given in this tab and what devices have answered to commands at all. Pure state: features/devices/command-sender.ts sends.
 *
 * A command is done when its device says so, never because it was handed over (failure case 39). Who gave a command
 * is not kept here: that is the audit log's word. Bounded. `stageOf` is pure, so the screen can ask anew each second.
 */

import type { Command, CommandResult } from "@/contract/payloads";
import type { Presence } from "@/lib/store/devices";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";

const MOST_KEPT = 200;
/** An answer given in the last moment may still be on its way. */
const ANSWER_MARGIN_MS = 2_000;

export type CommandName = Command["command"];

/** `unsent`: the broker does not have it. */
export type Delivery = "sending" | "sent" | "unsent";

export interface SentCommand {
  readonly commandId: string;
  readonly clientId: string;
  readonly command: CommandName;
  /** On this browser's clock, in ms, like `expiresAt`. */
  readonly sentAt: number;
  readonly expiresAt: number;
  readonly delivery: Delivery;
  /** Why it is unsent, for people. */
  readonly trouble: string;
}

export interface Answered extends CommandResult {
  readonly clientId: string;
}

/** `away`: handed over, but its device is not there. `silent`: it has expired, and no answer has come. */
export type Stage = "sending" | "unsent" | "sent" | "away" | "done" | "failed" | "rejected" | "expired" | "silent";

const STAGES: Readonly<Record<CommandResult["status"], Stage>> = { DONE: "done", FAILED: "failed", REJECTED: "rejected", EXPIRED: "expired" };

interface StageInput {
  readonly delivery: Delivery;
  readonly expiresAt: number;
  readonly status: CommandResult["status"] | null;
}

/** Where a command is in its life at *now*; *presence*: its device's. */
export function stageOf({ delivery, expiresAt, status }: StageInput, presence: Presence | null, now: number): Stage {
  if (status !== null) {
    return STAGES[status];
  }
  if (delivery !== "sent") {
    return delivery;
  }
  if (now > expiresAt + ANSWER_MARGIN_MS) {
    return "silent";
  }
  return presence === "OFFLINE" ? "away" : "sent";
}

export class CommandStore {
  readonly #sent = new ValueStore<readonly SentCommand[]>([]);
  readonly #answers = new ValueStore<readonly Answered[]>([]);

  /** Newest first. */
  get sent(): ReadableStore<readonly SentCommand[]> {
    return this.#sent;
  }

  /** What devices have answered since this page was opened, newest first. */
  get answers(): ReadableStore<readonly Answered[]> {
    return this.#answers;
  }

  add(command: SentCommand): void {
    this.#sent.set([command, ...this.#sent.get()].slice(0, MOST_KEPT));
  }

  deliver(commandId: string, delivery: Delivery, trouble = ""): void {
    this.#sent.set(this.#sent.get().map((each) => (each.commandId === commandId ? { ...each, delivery, trouble } : each)));
  }

  /** Takes a device's answer; only the device that the command went to can give it. */
  hear(clientId: string, result: CommandResult): void {
    const known = this.#answers.get();
    if (!known.some((each) => each.command_id === result.command_id && each.clientId === clientId)) {
      this.#answers.set([{ ...result, clientId }, ...known].slice(0, MOST_KEPT));
    }
  }

  clear(): void {
    this.#sent.set([]);
    this.#answers.set([]);
  }
}
