/**
 * The uPlot instance behind the main chart: made anew only when metrics or colours change, fed with data and time.
 *
 * Metrics of one unit share a scale; the first two scales have an axis, left and right. It knows no stores.
 */

import uPlot from "uplot";

import type { Chosen, Span } from "@/lib/store/chart";
import type { Aligned } from "@/lib/store/series";
import { unitOf } from "@/lib/values/unit";

export interface PlotSeries extends Chosen {
  readonly isBoolean: boolean;
  /** CSS colour. */
  readonly colour: string;
}

export interface PlotLook {
  readonly grid: string;
  readonly text: string;
  readonly font: string;
}

export interface PlotEvents {
  /** The pointer stands at this time (ms), or has left. */
  readonly onCursor: (at: number | null) => void;
  /** A stretch was marked with the pointer. */
  readonly onSelect: (span: Span) => void;
}

const FILL_ALPHA = "14";
// uPlot's own names for the sides are ambient const enums, which single-file compilers cannot read.
/* eslint-disable @typescript-eslint/no-unsafe-enum-assignment */
const RIGHT = 1 as uPlot.Axis.Side;
const LEFT = 3 as uPlot.Axis.Side;
/* eslint-enable @typescript-eslint/no-unsafe-enum-assignment */

export function scaleOf(series: PlotSeries): string {
  if (series.isBoolean) {
    return "boolean";
  }
  const unit = unitOf(series.metric);
  return unit === "" ? `${series.clientId}/${series.metric}` : unit;
}

/** Short axis numbers: 1.2k, 3.4M; exact values stand in the legend. */
function axisValues(_plot: uPlot, splits: number[]): string[] {
  const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 5 });
  return splits.map((value) => compact.format(value));
}

const DAY_S = 86_400;
const WITH_SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const WITH_MINUTES = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const WITH_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Times on one line: seconds only where they tell marks apart, the day where there are several. */
function axisTimes(_plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const span = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  const format = span > DAY_S ? WITH_DAY : step < 60 ? WITH_SECONDS : WITH_MINUTES;
  return splits.map((at) => format.format(at * 1_000));
}

/** Beside other metrics a boolean runs in a lane along the bottom. */
const LANE: uPlot.Range.MinMax = [-0.4, 9];

function scalesFor(series: readonly PlotSeries[]): uPlot.Scales {
  const scales: uPlot.Scales = { x: { time: true, auto: false } };
  const alone = series.every((each) => each.isBoolean);
  for (const each of series) {
    scales[scaleOf(each)] = { range: each.isBoolean ? (alone ? [-0.15, 1.15] : LANE) : padded };
  }
  return scales;
}

/** Room above and below, and a flat line in the middle. */
function padded(_plot: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) {
    return [0, 1];
  }
  const room = high === low ? Math.max(Math.abs(high) * 0.05, 0.5) : (high - low) * 0.12;
  return [low - room, high + room];
}

/** Left and right axis; one that belongs to a single metric of several has its colour. */
function axesFor(series: readonly PlotSeries[], look: PlotLook): uPlot.Axis[] {
  const common = { font: look.font, ticks: { show: false } };
  const numeric = series.filter((each) => !each.isBoolean);
  const scales = [...new Set((numeric.length > 0 ? numeric : series).map(scaleOf))].slice(0, 2);
  return [
    { ...common, stroke: look.text, grid: { stroke: look.grid, width: 1 }, space: 90, size: 28, values: axisTimes },
    ...scales.map((scale, index): uPlot.Axis => {
      const members = series.filter((each) => scaleOf(each) === scale);
      return {
        ...common,
        scale,
        side: index === 0 ? LEFT : RIGHT,
        size: 54,
        space: 36,
        stroke: scales.length > 1 && members.length === 1 ? (members[0]?.colour ?? look.text) : look.text,
        values: scale === "boolean" ? (_plot, splits) => splits.map((at) => (at === 0 ? "false" : at === 1 ? "true" : "")) : axisValues,
        grid: index === 0 ? { stroke: look.grid, width: 1 } : { show: false },
      };
    }),
  ];
}

function linesFor(series: readonly PlotSeries[]): uPlot.Series[] {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return series.map((each): uPlot.Series => ({
    scale: scaleOf(each),
    stroke: each.colour,
    width: 1.5,
    spanGaps: false,
    points: { show: false },
    ...(series.length === 1 ? { fill: each.colour + FILL_ALPHA } : {}),
    ...(each.isBoolean && stepped !== undefined ? { paths: stepped } : {}),
  }));
}

export class ChartPlot {
  readonly #plot: uPlot;
  #lastSpan: Span = { from: 0, to: 1 };

  constructor(host: HTMLElement, series: readonly PlotSeries[], look: PlotLook, events: PlotEvents) {
    this.#plot = new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        legend: { show: false },
        padding: [12, series.length > 0 && new Set(series.map(scaleOf)).size > 1 ? 0 : 14, 0, 0],
        cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
        scales: scalesFor(series),
        axes: axesFor(series, look),
        series: [{}, ...linesFor(series)],
        hooks: {
          setCursor: [(plot) => events.onCursor(cursorTime(plot))],
          setSelect: [(plot) => selected(plot, events.onSelect)],
        },
      },
      [[], ...series.map(() => [])],
      host,
    );
  }

  /** Draws *data* over *span*. */
  draw(data: Aligned, span: Span): void {
    this.#lastSpan = span;
    this.#plot.batch(() => {
      this.#plot.setData([[...data.x], ...data.columns.map((column) => [...column])], false);
      this.#plot.setScale("x", { min: span.from / 1_000, max: span.to / 1_000 });
    });
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
    this.#plot.setScale("x", { min: this.#lastSpan.from / 1_000, max: this.#lastSpan.to / 1_000 });
  }

  destroy(): void {
    this.#plot.destroy();
  }
}

function cursorTime(plot: uPlot): number | null {
  const left = plot.cursor.left ?? -1;
  return left < 0 ? null : plot.posToVal(left, "x") * 1_000;
}

function selected(plot: uPlot, onSelect: (span: Span) => void): void {
  const { left, width } = plot.select;
  if (width > 4) {
    onSelect({ from: plot.posToVal(left, "x") * 1_000, to: plot.posToVal(left + width, "x") * 1_000 });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }
}
