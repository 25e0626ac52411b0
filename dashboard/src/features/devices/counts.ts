/** Exact counts and ranges of sequence numbers as text. */

import type { DeviceAccount, NumberRange } from "@/lib/api/devices";

const GROUPED = new Intl.NumberFormat("en-US");

/** `1,204,331`, whatever its size. */
export function countText(count: bigint): string {
  return GROUPED.format(count);
}

/** `0 missing of 1,204,331`. */
export function missingText(account: DeviceAccount): string {
  return `${countText(account.missing)} missing of ${countText(account.produced)}`;
}

/** `[4, 7]`, both included. */
export function rangeText([first, last]: NumberRange): string {
  return `[${String(first)}, ${String(last)}]`;
}

/** The beginning of a stream's id: enough to tell those of one device apart by eye, with its last part, which is random. */
export function shortStream(stream: string): string {
  return `${stream.slice(0, 8)}…${stream.slice(-4)}`;
}
