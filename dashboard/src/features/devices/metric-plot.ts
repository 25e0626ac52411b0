/**
 * The small chart of one metric: a uPlot instance fed with samples and a stretch of time. It knows no stores.
 *
 * A gap is drawn as a gap. Positions are plain numbers; the exact value stands beside the chart.
 */

import uPlot from "uplot";

import type { History, Span } from "@/lib/store/series";
import type { Point } from "@/lib/store/points";
import { plotValue } from "@/lib/values/exact";

const GAP_STEPS = 3.5;
const LEAST_GAP_MS = 1_500;
const FILL_ALPHA = "14";
const HEIGHT = 84;
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

/** Seconds since 1970 and heights; `null` is a gap. */
export type Drawn = readonly [readonly number[], readonly (number | null)[]];

/** The time without a sample that is a gap. *samplingMs*: the device's interval, 0 when unknown. */
export function gapMsOf(points: readonly Point[], bucketMs: number, samplingMs: number): number {
  const steps = points.slice(1).map((point, index) => point.at - (points[index]?.at ?? 0));
  const usual = steps.sort((left, right) => left - right)[Math.floor(steps.length * 0.75)] ?? 0;
  return Math.max(LEAST_GAP_MS, 2 * bucketMs, GAP_STEPS * Math.max(usual, samplingMs));
}

/** What to draw for samples that are ascending by time. */
export function drawnOf(points: readonly Point[], gapMs: number): Drawn {
  const x: number[] = [];
  const y: (number | null)[] = [];
  let before: number | null = null;
  for (const { at, value } of points) {
    if (before !== null && at - before > gapMs) {
      x.push((before + 1) / 1_000);
      y.push(null);
    }
    x.push(at / 1_000);
    y.push(plotValue(value));
    before = at;
  }
  return [x, y];
}

/** Samples of the archive with those seen since, each once and by time, none before the stretch. */
export function joined(history: History | undefined, live: readonly Point[], from: number): readonly Point[] {
  const known = new Set((history?.points ?? []).map((point) => `${point.stream}#${String(point.sequence)}`));
  const fresh = live.filter((point) => point.sequence !== null && !known.has(`${point.stream}#${String(point.sequence)}`));
  return [...(history?.points ?? []), ...fresh].filter((point) => point.at >= from).sort((left, right) => left.at - right.at);
}

function timesOf(_plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const format = step >= DAY_S ? DAY : step < MINUTE_S ? SECONDS : CLOCK;
  return splits.map((at) => format.format(at * 1_000));
}

function padded(_plot: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) {
    return [0, 1];
  }
  const room = high === low ? Math.max(Math.abs(high) * 0.05, 0.5) : (high - low) * 0.1;
  return [low - room, high + room];
}

function optionsFor(host: HTMLElement, look: MetricLook, isBoolean: boolean, onCursor: (at: number | null) => void): uPlot.Options {
  const font = '10px "Inter Variable", sans-serif';
  const common = { font, stroke: look.text, ticks: { show: false }, grid: { stroke: look.grid, width: 1 } };
  const stepped = isBoolean ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    width: host.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [6, 6, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, auto: false }, y: { range: isBoolean ? [-0.15, 1.15] : padded } },
    axes: [
      { ...common, space: 70, size: 20, values: timesOf },
      { ...common, space: 26, size: 46, values: (_plot, splits) => splits.map((at) => (isBoolean ? (at === 0 ? "false" : at === 1 ? "true" : "") : COMPACT.format(at))) },
    ],
    series: [{}, { stroke: look.line, width: 1.25, fill: look.line + FILL_ALPHA, spanGaps: false, points: { show: false }, ...(stepped === undefined ? {} : { paths: stepped }) }],
    hooks: {
      setCursor: [(plot) => onCursor((plot.cursor.left ?? -1) < 0 ? null : plot.posToVal(plot.cursor.left ?? 0, "x") * 1_000)],
    },
  };
}

export class MetricPlot {
  readonly #plot: uPlot;
  #span: Span = { from: 0, to: 1 };

  constructor(host: HTMLElement, look: MetricLook, isBoolean: boolean, onCursor: (at: number | null) => void) {
    this.#plot = new uPlot(optionsFor(host, look, isBoolean, onCursor), [[], []], host);
  }

  draw(drawn: Drawn, span: Span): void {
    this.#span = span;
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
