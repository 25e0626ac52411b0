"use client";

import { useCallback, useEffect, useRef, useState, useSyncExternalStore, type KeyboardEvent, type ReactElement } from "react";

import { chartKey } from "@/features/live/chart-cursor";
import { DrawPace } from "@/features/live/chart-pace";
import { ChartPlot } from "@/features/live/chart-plot";
import type { PlotLook, PlotSeries } from "@/features/live/chart-scales";
import { Shape } from "@/features/live/chart-shape";
import { cursorText } from "@/features/live/chart-words";
import { shownTheme } from "@/features/shell/theme";
import { useEngine, useOnScreen, useValue } from "@/lib/engine/hooks";
import type { Engine } from "@/lib/engine/engine";
import type { Span } from "@/lib/store/chart";
import { align, marksOf } from "@/lib/store/drawing";
import type { ValueStore } from "@/lib/store/value-store";

/** How often the time axis moves on by itself: about once a pixel, within reason. */
const FASTEST_MS = 100;
const SLOWEST_MS = 1_000;
const LEAST_SPAN_MS = 60_000;
function colourOf(host: HTMLElement, name: string): string {
  return getComputedStyle(host).getPropertyValue(name).trim();
}

function lookOf(host: HTMLElement): PlotLook {
  return { grid: colourOf(host, "--line"), text: colourOf(host, "--faint"), surface: colourOf(host, "--surface"), font: '11px "Inter Variable", sans-serif' };
}

/** The range up to now; where the archive begins later than that, from its beginning, so that a young system fills the chart. */
function following(now: number, rangeMs: number, firstAt: number): Span {
  const from = now - rangeMs;
  return { from: firstAt === 0 ? from : Math.max(from, Math.min(firstAt, now - LEAST_SPAN_MS)), to: now };
}

function draw(engine: Engine, plot: ChartPlot, shape: Shape): Span {
  const { rangeMs, paused } = engine.chart.view.get();
  const series = engine.chart.series();
  const marks = series.map((each) => {
    const samplingMs = (engine.devices.one(each.clientId)?.figures?.sampling_interval_s ?? 0) * 1_000;
    return marksOf({ points: each.points, details: each.details, samplingMs }, shape.base(each));
  });
  const data = align(marks);
  const span = paused ?? following(engine.api.serverNow(), rangeMs, (data.x[0] ?? 0) * 1_000);
  plot.draw(data, span);
  return span;
}

interface ChartCanvasProps {
  /** Where the time under the cursor is told, for the legend. */
  readonly cursor: ValueStore<number | null>;
  /** The series whose axis stands first, from 0; -1: none. */
  readonly focus: number;
}

/** The lines themselves; a slider to the keyboard and to screen readers, whose value is what stands under the cursor. */
export function ChartCanvas({ cursor, focus }: ChartCanvasProps): ReactElement {
  const engine = useEngine();
  const { chart } = engine;
  const [host, onScreen] = useOnScreen<HTMLDivElement>();
  const plot = useRef<ChartPlot | null>(null);
  const pace = useRef<DrawPace | null>(null);
  const shown = useRef<Span>({ from: 0, to: 1 });
  const [form] = useState(() => new Shape());
  const readShape = useCallback(() => form.of(chart.series()), [chart, form]);
  const shape = useSyncExternalStore(chart.subscribeSeries, readShape, readShape);
  const { rangeMs, paused } = useValue(chart.view);
  const theme = useValue(shownTheme);
  const at = useValue(cursor);

  useEffect(() => {
    const element = host.current;
    if (element === null) {
      return;
    }
    const lines = form.lines.map((each, index): PlotSeries => ({ ...each, colour: colourOf(element, `--series-${index + 1}`) }));
    const tellCursor = (time: number | null): void => {
      const { from, to } = shown.current;
      // Not by React, which would render for each pixel that the pointer moves.
      element.setAttribute("aria-valuenow", String(time === null ? 100 : Math.round((100 * (time - from)) / (to - from))));
      cursor.set(time);
    };
    const made = new ChartPlot(element, lines, lookOf(element), { onCursor: (time) => tellCursor(time), onSelect: (span) => chart.zoom(span) }, focus);
    const paced = new DrawPace(() => {
      // What came in since React last looked may ask for another plot; that one will draw it.
      if (form.of(chart.series()) === shape) {
        shown.current = draw(engine, made, form);
        element.dataset.from = String(shown.current.from);
        element.dataset.to = String(shown.current.to);
      }
    });
    plot.current = made;
    pace.current = paced;
    const observer = new ResizeObserver(() => made.resize(element.clientWidth, element.clientHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      paced.end();
      made.destroy();
      plot.current = pace.current = null;
    };
    // A new plot only when its configuration changes: which metrics, of which kind, in which colours and on which scales.
  }, [shape, theme, engine, chart, cursor, focus, host, form]);

  useEffect(() => {
    const paced = pace.current;
    if (paced === null || !onScreen) {
      return;
    }
    const perPixelMs = rangeMs / Math.max(1, host.current?.clientWidth ?? 1);
    paced.changed();
    paced.moveEvery(paused === null ? Math.min(SLOWEST_MS, Math.max(FASTEST_MS, perPixelMs)) : 0);
    const forget = chart.subscribeSeries(paced.changed);
    return () => {
      forget();
      paced.moveEvery(0);
    };
  }, [shape, theme, engine, chart, cursor, focus, host, rangeMs, paused, onScreen]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const wanted = event.ctrlKey || event.altKey || event.metaKey ? null : chartKey(event.key, shown.current, cursor.get());
    if (wanted === null) {
      return;
    }
    event.preventDefault();
    if (wanted.kind === "cursor") {
      plot.current?.moveCursor(wanted.at);
    } else if (wanted.kind === "zoom") {
      chart.zoom(wanted.span);
    } else {
      chart.zoomOut();
    }
  };

  return (
    <div
      ref={host}
      data-testid="chart"
      role="slider"
      tabIndex={0}
      aria-label="Chart cursor"
      aria-describedby="chart-keys"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={100}
      aria-valuetext={cursorText(chart.series(), at)}
      onKeyDown={onKeyDown}
      onDoubleClick={() => chart.zoomOut()}
      className="h-full w-full"
    />
  );
}
