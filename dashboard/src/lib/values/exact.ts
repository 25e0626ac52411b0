/**
 * Metric values as text that keeps every digit, and differences between them.
 *
 * Nothing here goes through a lossy number: a `bigint` is never converted before it is written.
 * Read next: format.ts (what is shortened for the eye).
 */

import type { MetricValue } from "@/contract/payloads";

/** The value digit for digit, as it stands in JSON: `72.0` stays a double, `true` a boolean. */
export function exactText(value: MetricValue): string {
  if (typeof value !== "number") {
    return String(value);
  }
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /^-?\d+$/u.test(text) ? `${text}.0` : text;
}

/** Groups of three digits from the right; the groups joined again are the text that went in. */
export function digitGroups(text: string): string[] {
  const groups: string[] = [];
  const start = text.startsWith("-") ? 1 : 0;
  for (let end = text.length; end > start; end -= 3) {
    groups.unshift(text.slice(Math.max(start, end - 3), end));
  }
  if (start === 1) {
    groups[0] = `-${groups[0] ?? ""}`;
  }
  return groups;
}

/** `now - before`, exact for integers; `null` where a difference has no meaning. */
export function difference(now: MetricValue, before: MetricValue): bigint | number | null {
  if (typeof now === "bigint" && typeof before === "bigint") {
    return now - before;
  }
  if (typeof now === "boolean" || typeof before === "boolean") {
    return null;
  }
  return Number(now) - Number(before);
}

/** Whether two values are the same value of the same kind. */
export function sameValue(left: MetricValue, right: MetricValue): boolean {
  return Object.is(left, right);
}
