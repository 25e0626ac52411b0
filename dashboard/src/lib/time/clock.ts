/**
 * Time as a dependency: what waits or measures gets a `Clock`, so that tests run on a fake one.
 *
 * Nothing in lib/ calls `Date.now` or `setTimeout` except through this.
 */

/** Wall time in ms and one-shot timers; timer ids are opaque. */
export interface Clock {
  now(): number;
  after(delayMs: number, run: () => void): number;
  cancel(timer: number): void;
}

/** The browser's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => Number(setTimeout(run, delayMs)),
  cancel: (timer) => {
    clearTimeout(timer);
  },
};

/** Milliseconds since 1970 of an RFC 3339 text, or `null` when there is none or it names no real time. */
export function timeOf(text: string | null): number | null {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
