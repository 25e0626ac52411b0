/**
 * JSON to values without losing a digit: whole numbers become `bigint`, numbers with `.` or `e` become `number`.
 *
 * The only JSON reader of the dashboard, for MQTT payloads and API answers alike. It checks no shapes:
 * contract/payloads.ts and lib/api/reading.ts do. Read next: exact.ts.
 */

import { parse } from "lossless-json";

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
