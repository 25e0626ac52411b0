/**
 * Values, differences, counts and durations for the eye. What is shortened here is shown exactly elsewhere
 * (title, `data-value`, chart legend). No units are guessed: unit.ts reads them off the metric's name.
 */

const MAX_FRACTION_DIGITS = 4;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How many digits after the point a double of this size is worth showing: about five significant ones. */
export function fractionDigits(value: number): number {
  const size = Math.abs(value);
  if (size === 0) {
    return 1;
  }
  const whole = Math.max(1, Math.floor(Math.log10(size)) + 1);
  const wanted = Math.min(MAX_FRACTION_DIGITS, Math.max(1, 5 - whole));
  const written = /\.(\d+)$/u.exec(String(value))?.[1]?.length ?? 1;
  return Math.min(wanted, written);
}

/** A double for a tile. *digits*: places after the point, so that a moving value does not jump about. */
export function formatDouble(value: number, digits: number = fractionDigits(value)): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e12 || size < 1e-4)) {
    return value.toExponential(4).replace("e+", "e");
  }
  return value.toFixed(digits);
}

/** A difference with its sign; `±0` never appears, callers ask only when something changed. */
export function formatDifference(delta: bigint | number, digits?: number): string {
  const sign = delta > 0 ? "+" : "";
  return typeof delta === "bigint" ? sign + String(delta) : sign + formatDouble(delta, digits).replace("-", "\u2212");
}

/** A count with thin spaces between the thousands. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/gu, "\u2009");
}

/** How long ago, in at most four characters for the narrow places: `now`, `4 s`, `12 min`, `3 h`, `9 d`. */
export function formatAge(ageMs: number): string {
  if (ageMs < 1.5 * SECOND) {
    return "now";
  }
  if (ageMs < MINUTE) {
    return `${Math.round(ageMs / SECOND)} s`;
  }
  if (ageMs < HOUR) {
    return `${Math.floor(ageMs / MINUTE)} min`;
  }
  return ageMs < DAY ? `${Math.floor(ageMs / HOUR)} h` : `${Math.floor(ageMs / DAY)} d`;
}

/** A sampling or heartbeat interval: `0.1 s`, `5 s`, `2 min`. */
export function formatInterval(seconds: number): string {
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} min` : `${Number(seconds.toPrecision(3))} s`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DATE_AND_CLOCK = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

/** `14:03:59`, local time. */
export function formatClock(atMs: number): string {
  return CLOCK.format(atMs);
}

/** Date and time, local. */
export function formatDateTime(atMs: number): string {
  return DATE_AND_CLOCK.format(atMs);
}
