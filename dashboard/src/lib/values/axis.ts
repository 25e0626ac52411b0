/**
 * Axes of charts: their range, their marks, and the numbers written on them, for any numbers that a device may send.
 *
 * Positions are what lib/store/drawing.ts makes of values. Pure.
 */

const MOST_SPLITS = 40;
/** Of a range in which the step that was asked for cannot be counted. */
const FEW_SPLITS = 4;

/** Least and greatest of an axis: room above and below the values, and a flat line in the middle; 0 to 1 without values. */
export function padded(low: number | null, high: number | null): [low: number, high: number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) {
    return [0, 1];
  }
  const room = high === low ? Math.max(Math.abs(high) * 0.05, 0.5) : (high - low) * 0.12;
  // Less than the numbers themselves can tell apart would be no room at all.
  const least = Math.max(room, Math.abs(high) * 1e-9, Math.abs(low) * 1e-9);
  return [low - least, high + least];
}

/** Marks of an axis by counting, since adding a step to a huge number may not change it. */
export function splitsBetween(low: number, high: number, step: number): number[] {
  const fits = step > 0 && (high - low) / step <= MOST_SPLITS && low + step !== low && high - step !== high;
  const by = fits ? step : (high - low) / FEW_SPLITS;
  const first = fits ? Math.ceil(low / by) * by : low;
  const count = Math.min(MOST_SPLITS, Math.floor((high - first) / by + 1e-9) + 1);
  return Number.isFinite(count) && count > 0 ? Array.from({ length: count }, (_, index) => Number((first + index * by).toPrecision(12))) : [low, high];
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 4 });
const HUGE = 1e15;
const LAST_DIGITS = 6;

/** Short axis numbers: 1.2k, 3.4M; of numbers too long for an axis the last digits. Exact values stand in the legend. */
export function axisLabels(splits: readonly number[], base: bigint): string[] {
  if (base !== 0n) {
    return splits.map((each) => (Number.isInteger(each) ? `…${String(base + BigInt(each)).slice(-LAST_DIGITS)}` : ""));
  }
  const labels = splits.map((each) => (Math.abs(each) >= HUGE ? each.toExponential(1) : compact.format(each)));
  const distinct = new Set(labels).size === labels.length;
  const digits = Math.max(0, -Math.floor(Math.log10(Math.abs((splits[1] ?? 1) - (splits[0] ?? 0)) || 1)));
  return distinct ? labels : splits.map((each) => (Math.abs(each) >= HUGE ? each.toExponential(3) : each.toFixed(Math.min(digits, 9))));
}
