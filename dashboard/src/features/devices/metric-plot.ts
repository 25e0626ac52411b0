/**
 * The small chart of one metric: a uPlot instance fed with what metric-points.ts makes. It knows no stores.
 *
 * Loaded when a chart is first shown: the page's text need not wait for it.
 */

import uPlot from "uplot";

import type { Drawn } from "@/features/devices/metric-points";
import type { Span } from "@/lib/store/series";
import { axisLabels, padded, splitsBetween } from "@/lib/values/axis";

const FILL_ALPHA = "14";
const HEIGHT = 84;
/** So few are seen only as dots. */
const FEW_POINTS = 40;
const MINUTE_S = 60;
const DAY_S = 86_400;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 4 });

export interface MetricLook {
  readonly line: string;
  readonly grid: string;
  readonly text: string;
}

function timesOf(_plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const format = step >= DAY_S ? DAY : step < MINUTE_S ? SECONDS : CLOCK;
  return splits.map((at) => format.format(at * 1_000));
}

/** Short numbers; where they cannot be told apart at this length, the first one stands alone. *base*: what was taken off them. */
function heightsOf(splits: number[], base: bigint): string[] {
  if (base !== 0n) {
    return axisLabels(splits, base);
  }
  const texts = splits.map((at) => (Math.abs(at) >= 1e15 ? at.toExponential(2).replace("e+", "e") : COMPACT.format(at)));
  return texts.map((each, index) => (texts.indexOf(each) === index ? each : ""));
}

function lampsOf(_plot: uPlot, splits: number[]): string[] {
  return splits.map((at) => (at === 0 ? "false" : at === 1 ? "true" : ""));
}

function heightAxis(isBoolean: boolean, baseNow: () => bigint): Pick<uPlot.Axis, "splits" | "values"> {
  // uPlot's own marks are made by adding a step, which never ends where the step is too small to change the number.
  return isBoolean ? { values: lampsOf } : { splits: (_plot, _axis, low, high, step) => splitsBetween(low, high, step), values: (_plot, splits) => heightsOf(splits, baseNow()) };
}

function optionsFor(host: HTMLElement, look: MetricLook, isBoolean: boolean, baseNow: () => bigint, onCursor: (at: number | null) => void): uPlot.Options {
  const font = '10px "Inter Variable", sans-serif';
  const common = { font, stroke: look.text, ticks: { show: false }, grid: { stroke: look.grid, width: 1 } };
  const stepped = isBoolean ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    width: host.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [6, 6, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, auto: false }, y: { range: isBoolean ? [-0.15, 1.15] : (_plot, low, high) => padded(low, high) } },
    axes: [
      { ...common, space: 70, size: 20, values: timesOf },
      { ...common, space: 20, size: 46, ...heightAxis(isBoolean, baseNow) },
    ],
    series: [{}, { stroke: look.line, width: 1.25, fill: look.line + FILL_ALPHA, spanGaps: false, points: { show: (plot) => plot.data[0].length < FEW_POINTS, size: 3, fill: look.line }, ...(stepped === undefined ? {} : { paths: stepped }) }],
    hooks: {
      setCursor: [(plot) => onCursor((plot.cursor.left ?? -1) < 0 ? null : plot.posToVal(plot.cursor.left ?? 0, "x") * 1_000)],
    },
  };
}

export class MetricPlot {
  readonly #plot: uPlot;
  #span: Span = { from: 0, to: 1 };
  #base = 0n;

  constructor(host: HTMLElement, look: MetricLook, isBoolean: boolean, onCursor: (at: number | null) => void) {
    this.#plot = new uPlot(optionsFor(host, look, isBoolean, () => this.#base, onCursor), [[], []], host);
  }

  /** *base*: what was taken off the values to draw them. */
  draw(drawn: Drawn, span: Span, base: bigint): void {
    this.#span = span;
    this.#base = base;
    this.#plot.batch(() => {
      this.#plot.setData([[...drawn[0]], [...drawn[1]]], false);
      this.#plot.setScale("x", { min: span.from / 1_000, max: span.to / 1_000 });
    });
  }

  resize(width: number): void {
    this.#plot.setSize({ width, height: HEIGHT });
    this.#plot.setScale("x", { min: this.#span.from / 1_000, max: this.#span.to / 1_000 });
  }

  destroy(): void {
    this.#plot.destroy();
  }
}
