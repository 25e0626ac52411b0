/**
 * Waiting times between tries: exponential, with full jitter, so that a fleet does not come back all at once.
 *
 * The ceiling is low on purpose: after a restart of the broker the screen is back within 10 s.
 */

export interface BackoffLimits {
  readonly firstMs: number;
  readonly ceilingMs: number;
}

export const RECONNECT: BackoffLimits = { firstMs: 500, ceilingMs: 5_000 };
const LEAST_WAIT_MS = 50;

/** Returns the wait before try number *attempt* (1 is the first after a failure). *random*: 0 to 1. */
export function backoffMs(attempt: number, random: number, limits: BackoffLimits = RECONNECT): number {
  const ceiling = Math.min(limits.ceilingMs, limits.firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.max(LEAST_WAIT_MS, Math.round(random * ceiling));
}

/** Returns when to renew a token of this life: at 80 %, give or take 5 %. *random*: 0 to 1. */
export function renewAfterMs(lifeMs: number, random: number): number {
  return Math.round(lifeMs * (0.75 + 0.1 * random));
}
