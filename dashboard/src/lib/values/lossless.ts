/**
 * JSON to values and back without losing a digit: whole numbers are `bigint`, numbers with `.` or `e` are `number`.
 *
 * The only JSON reader and writer of the dashboard, for MQTT payloads and API answers alike. It checks no shapes:
 * contract/payloads.ts and lib/api/reading.ts do. Read next: exact.ts.
 */

import { parse, stringify } from "lossless-json";

const WHOLE = /^-?\d+$/u;

function exactNumber(text: string): bigint | number {
  return WHOLE.test(text) ? BigInt(text) : Number(text);
}

/**
 * Reads JSON text.
 *
 * @throws SyntaxError when *text* is not JSON.
 */
export function parseLossless(text: string): unknown {
  return parse(text, undefined, exactNumber);
}

/** Writes *value* as JSON text; a `bigint` keeps every digit. */
export function writeLossless(value: unknown): string {
  return stringify(value) ?? "null";
}
