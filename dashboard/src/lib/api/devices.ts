/** The API calls of the device pages, each with its answer read into the dashboard's own types. */

import { listedDevice } from "@/lib/api/endpoints";
import type { Send } from "@/lib/api/http";
import { fields, list, optionalText, text, texts, time, UnexpectedAnswer, wholeNumber, type Fields } from "@/lib/api/reading";
import type { ListedDevice } from "@/lib/store/devices";

/** First and last number, both included. */
export type NumberRange = readonly [bigint, bigint];

interface Counts {
  readonly archived: bigint;
  readonly rejected: bigint;
  readonly declaredLost: bigint;
  readonly onDevice: bigint;
  readonly duplicates: bigint;
}

export interface StreamAccount extends Counts {
  readonly stream: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly missing: readonly NumberRange[];
}

/** What became of every number that a device has ever claimed. */
export interface DeviceAccount extends Counts {
  readonly produced: bigint;
  readonly missing: bigint;
  /** Oldest first. */
  readonly streams: readonly StreamAccount[];
}

function counts(from: Fields): Counts {
  return {
    archived: wholeNumber(from, "archived"),
    rejected: wholeNumber(from, "rejected"),
    declaredLost: wholeNumber(from, "declared_lost"),
    onDevice: wholeNumber(from, "on_device"),
    duplicates: wholeNumber(from, "duplicates"),
  };
}

function range(value: unknown): NumberRange {
  const [first, last] = list(value, "missing");
  if (typeof first !== "bigint" || typeof last !== "bigint") {
    throw new UnexpectedAnswer("missing");
  }
  return [first, last];
}

function streamAccount(value: unknown): StreamAccount {
  const found = fields(value, "streams");
  return {
    ...counts(found),
    stream: text(found, "stream"),
    first: wholeNumber(found, "first"),
    last: wholeNumber(found, "last"),
    missing: list(found.missing, "missing").map(range),
  };
}

function pathOf(clientId: string): string {
  return `/devices/${encodeURIComponent(clientId)}`;
}

export async function deviceAccount(send: Send, clientId: string): Promise<DeviceAccount> {
  const found = fields((await send({ method: "GET", path: `${pathOf(clientId)}/integrity` })).body, "integrity");
  return {
    ...counts(found),
    produced: wholeNumber(found, "produced"),
    missing: wholeNumber(found, "missing"),
    streams: list(found.streams, "streams").map(streamAccount),
  };
}

/** @throws ApiProblem with status 404 when it was never enrolled. */
export async function oneDevice(send: Send, toLocal: (at: number) => number, clientId: string): Promise<ListedDevice> {
  const answer = await send({ method: "GET", path: pathOf(clientId) });
  return listedDevice(fields(answer.body, "device"), toLocal);
}

export interface EnrollmentCode {
  readonly code: string;
  /** On the server's clock, in ms. */
  readonly expiresAt: number;
}

/** Makes a one-time code. *clientId*: the only device that it is good for, which may be enrolled already; empty: any new one. */
export async function makeEnrollmentCode(send: Send, clientId: string, lifeS: number): Promise<EnrollmentCode> {
  const body = { client_id: clientId === "" ? null : clientId, expires_in_s: lifeS };
  const found = fields((await send({ method: "POST", path: "/devices/enrollment-codes", body })).body, "enrollment code");
  return { code: text(found, "code"), expiresAt: time(found, "expires_at") };
}

/** Revokes a device; answers whose password hashes it may hold. */
export async function revokeDevice(send: Send, clientId: string): Promise<readonly string[]> {
  const answer = await send({ method: "DELETE", path: pathOf(clientId) });
  return texts(fields(answer.body, "revoked device"), "people");
}

export type ExportFormat = "csv" | "ndjson";

/** *from*, *to*: ms on the server's clock, `null` is open; *to* is not included. */
export interface ExportOrder {
  readonly format: ExportFormat;
  readonly from: number | null;
  readonly to: number | null;
}

function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Returns an address on our own origin, good for one download within a minute. */
export async function exportAddress(send: Send, clientId: string, order: ExportOrder): Promise<string> {
  const body = { format: order.format, from: timeText(order.from), to: timeText(order.to) };
  const path = `/telemetry/${encodeURIComponent(clientId)}/export-links`;
  const found = text(fields((await send({ method: "POST", path, body })).body, "export link"), "url");
  // What it names is opened by the browser: nowhere but in our own API.
  if (!found.startsWith("/api/v1/")) {
    throw new UnexpectedAnswer("url");
  }
  return found;
}

export interface DeviceSetting {
  readonly key: string;
  readonly value: unknown;
}

export interface DeviceSettings {
  readonly items: readonly DeviceSetting[];
  /** Of the newest change that concerns this device. */
  readonly version: bigint;
}

/** The settings of one device alone, or of all devices (empty *clientId*). */
export async function settingsOf(send: Send, clientId: string): Promise<DeviceSettings> {
  const items: DeviceSetting[] = [];
  let version = 0n;
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = new URLSearchParams({ device: clientId, ...(cursor === "" ? {} : { cursor }) }).toString();
    const found: Fields = fields((await send({ method: "GET", path: `/config?${query}` })).body, "settings");
    items.push(...list(found.items, "settings").map((each) => setting(fields(each, "settings"))));
    version = wholeNumber(found, "version");
    cursor = optionalText(found, "next");
  }
  return { items, version };
}

function setting(item: Fields): DeviceSetting {
  return { key: text(item, "key"), value: item.value };
}
