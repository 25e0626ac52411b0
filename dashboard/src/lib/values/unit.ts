/** The unit that a metric's name ends in, by the usual suffixes (`cpu.percent`, `memory_used_bytes`); nothing is converted. */

const UNITS = new Map<string, string>([
  ["percent", "%"], ["pct", "%"], ["ratio", ""], ["bytes", "B"], ["kb", "kB"], ["mb", "MB"], ["gb", "GB"],
  ["seconds", "s"], ["secs", "s"], ["s", "s"], ["ms", "ms"], ["us", "µs"], ["celsius", "°C"], ["c", "°C"], ["kelvin", "K"],
  ["volts", "V"], ["v", "V"], ["amps", "A"], ["watts", "W"], ["w", "W"], ["kw", "kW"], ["hz", "Hz"], ["mhz", "MHz"], ["ghz", "GHz"],
  ["rpm", "rpm"], ["bar", "bar"], ["kpa", "kPa"], ["pa", "Pa"], ["bps", "B/s"],
]);

const MOST_UNIT_LETTERS = 3;

/** Returns the unit for people, or an empty text when the name does not say. */
export function unitOf(metric: string): string {
  const words = metric.toLowerCase().split(/[._/-]/u);
  const last = words.at(-1) ?? "";
  const perSecond = words.length > 1 && words.at(-2) === "per" && last === "s";
  if (perSecond) {
    const what = words.at(-3) ?? "";
    return `${UNITS.get(what) ?? (what.length <= MOST_UNIT_LETTERS ? what : "")}/s`;
  }
  return words.length > 1 ? (UNITS.get(last) ?? "") : last === "rpm" ? "rpm" : "";
}
