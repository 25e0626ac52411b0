/**
 * Scales and axes of the main chart: what shares one, where it stands, which numbers are written on it.
 *
 * Metrics of one unit share a scale, unless one of them would be a flat line beside the others; the same metric of
 * two devices does too. Every scale has an axis as far as the width allows, the one in focus first. Pure but for
 * uPlot's types.
 */

import type uPlot from "uplot";

import { axisLabels, padded, splitsBetween } from "@/lib/values/axis";
import { unitOf } from "@/lib/values/unit";

export interface PlotSeries {
  readonly clientId: string;
  readonly metric: string;
  readonly isBoolean: boolean;
  /** Whether some of it is thinned and so has a band. */
  readonly banded: boolean;
  /** Taken off its values before drawing, see drawing.ts. */
  readonly base: bigint;
  /** The largest position, as a power of ten. */
  readonly magnitude: number;
  /** CSS colour. */
  readonly colour: string;
}

export interface PlotLook {
  readonly grid: string;
  readonly text: string;
  readonly surface: string;
  readonly font: string;
}

/** Powers of ten between metrics of one unit that can be read on one scale. */
const READABLE_TOGETHER = 1.5;
const LANES_OF_ALL = 4;
export const AXIS_WIDTH = 56;
// uPlot's own names for the sides are ambient const enums, which single-file compilers cannot read.
/* eslint-disable @typescript-eslint/no-unsafe-enum-assignment */
const RIGHT = 1 as uPlot.Axis.Side;
const LEFT = 3 as uPlot.Axis.Side;
/* eslint-enable @typescript-eslint/no-unsafe-enum-assignment */

const LANES = "lanes";

function kindOf(series: PlotSeries): string {
  const unit = unitOf(series.metric);
  return series.base !== 0n ? `exact ${series.clientId}/${series.metric}` : unit === "" ? `metric ${series.metric}` : unit;
}

/** The scale of each series: of one kind, the ones near each other in size share one. */
export function scalesOf(series: readonly PlotSeries[]): readonly string[] {
  return series.map((each) => {
    if (each.isBoolean) {
      return LANES;
    }
    const kind = kindOf(each);
    // A percentage is read against 100, so a small one is rightly low.
    const alike = series.filter((other) => !other.isBoolean && kindOf(other) === kind).toSorted((left, right) => right.magnitude - left.magnitude);
    let group = 0;
    let top = alike[0]?.magnitude ?? 0;
    for (const other of alike) {
      if (kind !== "%" && top - other.magnitude > READABLE_TOGETHER) {
        group += 1;
        top = other.magnitude;
      }
      if (other === each) {
        break;
      }
    }
    return group === 0 ? kind : `${kind} ${group}`;
  });
}

/** The lane of each boolean, from the bottom; several would hide each other in one. */
export function lanesOf(series: readonly PlotSeries[]): readonly number[] {
  let next = 0;
  return series.map((each) => {
    next += each.isBoolean ? 1 : 0;
    return each.isBoolean ? next - 1 : 0;
  });
}

/** How high `true` stands in its lane. */
export const LANE_HEIGHT = 0.7;

/** Scales by name; booleans run in lanes along the bottom, or have the chart to themselves. */
export function uplotScales(series: readonly PlotSeries[], scales: readonly string[]): uPlot.Scales {
  const lanes = series.filter((each) => each.isBoolean).length;
  const alone = lanes === series.length;
  const made: uPlot.Scales = { x: { time: true, auto: false } };
  for (const scale of scales) {
    made[scale] = { range: scale === LANES ? [-0.2, alone ? lanes : Math.max(9, lanes * LANES_OF_ALL)] : (_plot, low, high) => padded(low, high) };
  }
  return made;
}

const DAY_S = 86_400;
const PARTS_OF_SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 2, hourCycle: "h23" });
const WITH_SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const WITH_MINUTES = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WITH_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Times on one line: seconds only where they tell marks apart, the day where there are several. */
function axisTimes(_plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  const format = span > DAY_S ? WITH_DAY : step >= 60 ? WITH_MINUTES : step >= 1 ? WITH_SECONDS : PARTS_OF_SECONDS;
  return splits.map((at) => format.format(at * 1_000));
}

function laneSplits(lanes: number): number[] {
  return Array.from({ length: lanes }, (_, lane) => [lane, lane + LANE_HEIGHT]).flat();
}

function valueAxis(series: readonly PlotSeries[], members: readonly PlotSeries[], scale: string, index: number, look: PlotLook, several: boolean): uPlot.Axis {
  const common = { font: look.font, ticks: { show: false }, scale, side: index % 2 === 0 ? LEFT : RIGHT, size: AXIS_WIDTH, space: 36 };
  const stroke = several && members.length === 1 ? (members[0]?.colour ?? look.text) : look.text;
  const grid = index === 0 ? { stroke: look.grid, width: 1 } : { show: false };
  if (scale === LANES) {
    const splits = laneSplits(series.filter((each) => each.isBoolean).length);
    return { ...common, stroke: look.text, grid, splits: () => splits, values: () => splits.map((at) => (Number.isInteger(at) ? "false" : "true")) };
  }
  return {
    ...common,
    stroke,
    grid,
    splits: (_plot, _axis, low, high, step) => splitsBetween(low, high, step),
    values: (_plot, splits) => axisLabels(splits, members[0]?.base ?? 0n),
  };
}

/** Time below, then an axis for each scale from left and right in turns; *most* of them fit. *first*: the scale in focus. */
export function uplotAxes(series: readonly PlotSeries[], scales: readonly string[], look: PlotLook, most: number, first: string | null): uPlot.Axis[] {
  const numeric = scales.filter((scale) => scale !== LANES);
  const all = [...new Set(numeric.length > 0 ? numeric : scales)];
  const shown = [...all.filter((scale) => scale === first), ...all.filter((scale) => scale !== first)].slice(0, Math.max(1, most));
  return [
    { font: look.font, ticks: { show: false }, stroke: look.text, grid: { stroke: look.grid, width: 1 }, space: 90, size: 28, values: axisTimes },
    ...shown.map((scale, index) => valueAxis(series, series.filter((_each, at) => scales[at] === scale), scale, index, look, all.length > 1)),
  ];
}
