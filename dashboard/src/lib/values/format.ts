/**
 * Values, differences, counts and durations for the eye. What is shortened here is shown exactly elsewhere
 * (title, `data-value`, chart legend). No units are guessed: unit.ts reads them off the metric's name.
 */

const MINUS = "\u2212";
const MOST_FRACTION_DIGITS = 9;
const SIGNIFICANT_DIGITS = 5;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How many digits after the point a double is worth showing: about five significant ones, no more than it has. */
export function fractionDigits(value: number): number {
  if (value === 0) {
    return 1;
  }
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  const wanted = Math.max(1, SIGNIFICANT_DIGITS - Math.max(whole, -SIGNIFICANT_DIGITS) - (whole < 1 ? 1 : 0));
  return Math.min(MOST_FRACTION_DIGITS, wanted, writtenDigits(value));
}

/** Digits after the point in the shortest text that reads back as this very double. */
function writtenDigits(value: number): number {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const written = /\.(\d+)/u.exec(mantissa)?.[1]?.length ?? 0;
  return Math.max(1, written - Number(exponent));
}

/** A double for a tile. *digits*: places after the point, so that a moving value does not jump about. */
export function formatDouble(value: number, digits: number = fractionDigits(value)): string {
  const size = Math.abs(value);
  const fixed = value.toFixed(digits);
  const tooSmall = size !== 0 && Number(fixed) === 0;
  const text = size >= 1e12 || tooSmall ? value.toExponential(size >= 1e12 ? 4 : 1).replace("e+", "e") : fixed;
  return text.replace("-", MINUS);
}

/** The size of a difference; its sign stands beside it. */
export function formatStep(delta: number, digits?: number): string {
  return formatDouble(Math.abs(delta), digits);
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

/** An estimated time to go: `1 s`, `12 s`, `3 min`, `5 h`. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1.5 * SECOND ? "1 s" : formatAge(durationMs);
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
