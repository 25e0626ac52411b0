/**
 * The settings calls: read, set and take back settings of all devices or of one.
 *
 * A change names what its author has seen (`ETag`); somebody else's change in between is an outcome with the present
 * value, not an error, since only the person can say which of the two values shall count.
 */

import type { Send } from "@/lib/api/http";
import { itemPage, type ItemPage } from "@/lib/api/pages";
import { ApiProblem } from "@/lib/api/problem";
import { amount, fields, text, time, type Fields } from "@/lib/api/reading";

export const CONFIG_PATH = "/config";
/** In place of a device's id: what each device has of its own. */
export const EVERY_DEVICE = "*";
const MOST_PAGES = 20;
const UNSET = "unknown-record";
const OVERTAKEN = "precondition-failed";

/** Any JSON, read without loss: whole numbers are `bigint`. */
export type Json = unknown;

export interface Setting {
  readonly key: string;
  /** A device's id; empty for the setting of all devices. */
  readonly device: string;
  readonly value: Json;
  readonly updatedAt: number;
  readonly updatedBy: string;
  /** `web`, or the desktop on which it was changed. */
  readonly source: string;
}

export interface SettingList {
  readonly items: readonly Setting[];
  /** Of the newest change; a device whose `config_version` is this or a later one has applied all. */
  readonly version: number;
}

/** What is being changed. */
export interface Target {
  readonly key: string;
  readonly device: string;
}

export interface Seen {
  readonly setting: Setting;
  readonly etag: string;
}

/** What became of a change; `overtaken`: somebody was faster, `now` is what they left (`null`: they took it back). */
export type Outcome = { readonly kind: "done" } | { readonly kind: "overtaken"; readonly now: Seen | null };

export async function listSettings(send: Send, device: string): Promise<SettingList> {
  const items: Setting[] = [];
  const path = `${CONFIG_PATH}${device === "" ? "" : `?device=${encodeURIComponent(device)}`}`;
  let version = 0;
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const watched: Send = async (call) => {
      const answer = await send(call);
      version = amount(fields(answer.body, path), "version");
      return answer;
    };
    const found: ItemPage<Setting> = await itemPage(watched, path, cursor, settingOf);
    items.push(...found.items);
    cursor = found.next;
    if (cursor === null) {
      break;
    }
  }
  return { items, version };
}

/** One setting as it is now, with its tag; `null` when it is not set. */
export async function readSetting(send: Send, target: Target): Promise<Seen | null> {
  try {
    const answer = await send({ method: "GET", path: pathOf(target) });
    return { setting: settingOf(fields(answer.body, target.key)), etag: answer.etag ?? "*" };
  } catch (error) {
    if (isKind(error, UNSET)) {
      return null;
    }
    throw error;
  }
}

/** Sets a setting over what was seen; *seen* is `null` when it was seen to be unset. */
export async function putSetting(send: Send, target: Target, value: Json, seen: Seen | null): Promise<Outcome> {
  if (seen === null) {
    const now = await readSetting(send, target);
    if (now !== null) {
      return { kind: "overtaken", now };
    }
  }
  return changed(send, target, () => send({ method: "PUT", path: pathOf(target), body: { value }, ...matching(seen) }));
}

/** Takes a setting back; that it is gone already is what was wanted. */
export async function deleteSetting(send: Send, target: Target, seen: Seen | null): Promise<Outcome> {
  const outcome = await changed(send, target, () => send({ method: "DELETE", path: pathOf(target), ...matching(seen) }));
  return outcome.kind === "overtaken" && outcome.now === null ? { kind: "done" } : outcome;
}

async function changed(send: Send, target: Target, change: () => Promise<unknown>): Promise<Outcome> {
  try {
    await change();
    return { kind: "done" };
  } catch (error) {
    if (isKind(error, OVERTAKEN) || isKind(error, UNSET)) {
      return { kind: "overtaken", now: await readSetting(send, target) };
    }
    throw error;
  }
}

function isKind(error: unknown, kind: string): boolean {
  return error instanceof ApiProblem && error.kind === kind;
}

function matching(seen: Seen | null): { readonly ifMatch?: string } {
  return seen === null ? {} : { ifMatch: seen.etag };
}

function pathOf({ key, device }: Target): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  return `${CONFIG_PATH}/${path}${device === "" ? "" : `?device=${encodeURIComponent(device)}`}`;
}

function settingOf(item: Fields): Setting {
  return {
    key: text(item, "key"),
    device: text(item, "device"),
    value: item.value,
    updatedAt: time(item, "updated_at"),
    updatedBy: text(item, "updated_by"),
    source: text(item, "source"),
  };
}
