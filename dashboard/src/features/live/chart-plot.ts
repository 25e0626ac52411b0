/**
 * The uPlot instance behind the main chart: made anew only when metrics or colours change, fed with data and time.
 *
 * Each metric has a line; where its history is thinned, the line runs in the middle of a band from least to
 * greatest. Replayed samples are dots. It knows no stores. Read next: chart-scales.ts.
 */

import uPlot from "uplot";

import { AXIS_WIDTH, LANE_HEIGHT, lanesOf, scalesOf, uplotAxes, uplotScales, type PlotLook, type PlotSeries } from "@/features/live/chart-scales";
import type { Span } from "@/lib/store/chart";
import type { Aligned, Column } from "@/lib/store/drawing";

export interface PlotEvents {
  /** The cursor stands at this time (ms), or has left. */
  readonly onCursor: (at: number | null) => void;
  /** A stretch was marked with the pointer. */
  readonly onSelect: (span: Span) => void;
}

const FILL_ALPHA = "14";
const BAND_ALPHA = "38";
/** Of the chart's width, at most this much may go to axes. */
const AXES_SHARE = 0.34;
const LEAST_MARKED_PX = 4;
const DOT_PX = 5;
const ENDS = ["pointerup", "pointercancel"] as const;

interface Layout {
  readonly series: uPlot.Series[];
  readonly bands: uPlot.Band[];
}

export class ChartPlot {
  readonly #plot: uPlot;
  readonly #series: readonly PlotSeries[];
  readonly #lanes: readonly number[];
  #dots: readonly (readonly number[])[] = [];
  #shown: Span = { from: 0, to: 1 };
  /** Where the keyboard has put the cursor, in ms; `null` when the pointer leads it. */
  #held: number | null = null;
  #marking = false;

  /** *focus*: which series has its axis first and a strong line; -1: none. */
  constructor(host: HTMLElement, series: readonly PlotSeries[], look: PlotLook, events: PlotEvents, focus: number) {
    const scales = scalesOf(series);
    const { series: lines, bands } = this.#layout(series, scales, look, focus);
    const most = Math.floor((host.clientWidth * AXES_SHARE) / AXIS_WIDTH);
    this.#series = series;
    this.#lanes = lanesOf(series);
    this.#plot = new uPlot(
      {
        width: host.clientWidth,
        height: host.clientHeight,
        legend: { show: false },
        padding: [12, new Set(scales).size > 1 ? 0 : 14, 0, 0],
        cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
        scales: uplotScales(series, scales),
        axes: uplotAxes(series, scales, look, most, scales[focus] ?? null),
        series: [{}, ...lines],
        bands,
        hooks: {
          setCursor: [(plot) => events.onCursor(cursorTime(plot))],
          setSelect: [(plot) => selected(plot, events.onSelect)],
        },
      },
      [[], ...lines.map(() => [])],
      host,
    );
    this.#plot.over.addEventListener("pointermove", () => (this.#held = null));
    this.#plot.over.addEventListener("pointerdown", (event) => (this.#marking = event.button === 0));
    // Anywhere, since a mark may end outside of the chart, and a finger that scrolls the page ends without being lifted.
    ENDS.forEach((name) => this.#plot.over.ownerDocument.addEventListener(name, this.#markingEnds));
  }

  /** Draws *data* over *span*; not while a stretch is being marked, which must not move away under the pointer. */
  draw(data: Aligned, span: Span): void {
    if (this.#marking) {
      return;
    }
    this.#shown = span;
    this.#dots = data.lines.map((each) => each.dots);
    this.#plot.batch(() => {
      this.#plot.setData([data.x, ...this.#columns(data)], false);
      this.#plot.setScale("x", { min: span.from / 1_000, max: span.to / 1_000 });
    });
    this.#placeCursor();
  }

  /** Puts the cursor at a time, where it stays while the chart goes on; `null` takes it away. */
  moveCursor(at: number | null): void {
    this.#held = at;
    if (at === null) {
      this.#plot.setCursor({ left: -10, top: -10 });
    } else {
      this.#placeCursor();
    }
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
    this.#plot.setScale("x", { min: this.#shown.from / 1_000, max: this.#shown.to / 1_000 });
  }

  destroy(): void {
    ENDS.forEach((name) => this.#plot.over.ownerDocument.removeEventListener(name, this.#markingEnds));
    this.#plot.destroy();
  }

  readonly #markingEnds = (): void => {
    this.#marking = false;
  };

  #placeCursor(): void {
    if (this.#held !== null) {
      this.#plot.setCursor({ left: this.#plot.valToPos(this.#held / 1_000, "x"), top: 0 });
    }
  }

  #layout(series: readonly PlotSeries[], scales: readonly string[], look: PlotLook, focus: number): Layout {
    const lines = series.map((each, index) => this.#line(each, index, scales[index] ?? "", look, series.length === 1, focus));
    const edges: uPlot.Series[] = [];
    const bands: uPlot.Band[] = [];
    series.forEach((each, index) => {
      if (each.banded) {
        const first = 1 + lines.length + edges.length;
        edges.push(edge(scales[index] ?? ""), edge(scales[index] ?? ""));
        bands.push({ series: [first + 1, first], fill: each.colour + BAND_ALPHA });
      }
    });
    return { series: [...lines, ...edges], bands };
  }

  #line(series: PlotSeries, index: number, scale: string, look: PlotLook, alone: boolean, focus: number): uPlot.Series {
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    return {
      scale,
      stroke: series.colour,
      width: index === focus ? 2.5 : 1.5,
      spanGaps: false,
      points: { show: true, size: DOT_PX, width: 1.25, stroke: series.colour, fill: look.surface, filter: () => [...(this.#dots[index] ?? [])] },
      ...(alone && !series.banded && !series.isBoolean ? { fill: series.colour + FILL_ALPHA } : {}),
      ...(series.isBoolean && stepped !== undefined ? { paths: stepped } : {}),
    };
  }

  #columns(data: Aligned): Column[] {
    const lines = data.lines.map(({ y }, index) => {
      const lane = this.#lanes[index] ?? 0;
      return this.#series[index]?.isBoolean === true ? y.map((each) => (typeof each === "number" ? lane + LANE_HEIGHT * each : each)) : y;
    });
    const edges = data.lines.flatMap(({ low, high }, index) => (this.#series[index]?.banded === true ? [low, high] : []));
    return [...lines, ...edges];
  }
}

/** One edge of a band: it gives the band its shape and is not seen itself. */
function edge(scale: string): uPlot.Series {
  return { scale, stroke: "transparent", width: 0, spanGaps: false, points: { show: false } };
}

function cursorTime(plot: uPlot): number | null {
  const left = plot.cursor.left ?? -1;
  return left < 0 ? null : plot.posToVal(left, "x") * 1_000;
}

function selected(plot: uPlot, onSelect: (span: Span) => void): void {
  const { left, width } = plot.select;
  if (width > LEAST_MARKED_PX) {
    const span = { from: plot.posToVal(left, "x") * 1_000, to: plot.posToVal(left + width, "x") * 1_000 };
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    onSelect(span);
  }
}
