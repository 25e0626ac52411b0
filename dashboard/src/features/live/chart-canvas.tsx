"use client";

import { useEffect, useMemo, useRef, type ReactElement } from "react";

import { ChartPlot, type PlotLook, type PlotSeries } from "@/features/live/chart-plot";
import { shownTheme } from "@/features/shell/theme";
import { useDevices, useEngine, useSeries, useValue } from "@/lib/engine/hooks";
import type { Series, Span } from "@/lib/store/chart";
import type { Device } from "@/lib/store/devices";
import { align, gapAfterMs } from "@/lib/store/series";
import type { ValueStore } from "@/lib/store/value-store";

/** How often the time axis moves on by itself: about once a pixel, within reason. */
const FASTEST_MS = 100;
const SLOWEST_MS = 1_000;
const LEAST_SPAN_MS = 60_000;

function colourOf(host: HTMLElement, name: string): string {
  return getComputedStyle(host).getPropertyValue(name).trim();
}

function lookOf(host: HTMLElement): PlotLook {
  return { grid: colourOf(host, "--line"), text: colourOf(host, "--faint"), font: '11px "Inter Variable", sans-serif' };
}

function samplingMs(devices: readonly Device[], clientId: string): number {
  return (devices.find((each) => each.clientId === clientId)?.figures?.sampling_interval_s ?? 0) * 1_000;
}

function describe(series: readonly Series[]): string {
  return series.map((each) => `${each.clientId}\n${each.metric}\n${typeof each.points.at(-1)?.value === "boolean"}`).join("\n\n");
}

/** The range up to now; where the archive begins later than that, from its beginning, so that a young system fills the chart. */
function following(now: number, rangeMs: number, firstAt: number): Span {
  const from = now - rangeMs;
  return { from: firstAt === 0 ? from : Math.max(from, Math.min(firstAt, now - LEAST_SPAN_MS)), to: now };
}

/** *cursor*: where the time under the pointer is told, for the legend. */
export function ChartCanvas({ cursor }: { readonly cursor: ValueStore<number | null> }): ReactElement {
  const { chart, api } = useEngine();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<ChartPlot | null>(null);
  const series = useSeries();
  const devices = useDevices();
  const { rangeMs, paused } = useValue(chart.view);
  const theme = useValue(shownTheme);
  const shape = describe(series);

  const data = useMemo(
    () => align(series.map((each) => ({ points: each.points, gapMs: gapAfterMs(each.points, samplingMs(devices, each.clientId)) }))),
    [series, devices],
  );

  useEffect(() => {
    const element = host.current;
    if (element === null) {
      return;
    }
    const lines = series.map((each, index): PlotSeries => ({
      clientId: each.clientId,
      metric: each.metric,
      isBoolean: typeof each.points.at(-1)?.value === "boolean",
      colour: colourOf(element, `--series-${index + 1}`),
    }));
    const made = new ChartPlot(element, lines, lookOf(element), {
      onCursor: (at) => cursor.set(at),
      onSelect: (span) => chart.pause(span),
    });
    plot.current = made;
    const observer = new ResizeObserver(() => made.resize(element.clientWidth, element.clientHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // A new plot only when its configuration changes: which metrics, of which kind, in which colours.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, theme, chart, cursor]);

  useEffect(() => {
    const draw = (): void => {
      const now = api.serverNow();
      plot.current?.draw(data, paused ?? following(now, rangeMs, (data.x[0] ?? 0) * 1_000));
    };
    draw();
    if (paused !== null) {
      return;
    }
    const perPixelMs = rangeMs / Math.max(1, host.current?.clientWidth ?? 1);
    const timer = setInterval(draw, Math.min(SLOWEST_MS, Math.max(FASTEST_MS, perPixelMs)));
    return () => clearInterval(timer);
  }, [data, rangeMs, paused, api, shape, theme]);

  return <div ref={host} data-testid="chart" role="img" aria-label="Chart of the chosen metrics; their values stand above it." className="h-full w-full" />;
}
