"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState, type ReactElement, type RefObject } from "react";

import { Tag } from "@/components/ui/tag";
import type { MetricPlot } from "@/features/devices/metric-plot";
import { cameAfter, drawnOf, gapMsOf, joined } from "@/features/devices/metric-points";
import { ageOf } from "@/features/live/freshness";
import { ValueText } from "@/features/live/value-text";
import { shownTheme } from "@/features/shell/theme";
import { history } from "@/lib/api/endpoints";
import { useDevice, useEngine, useNow, useOnScreen, useStatus, useTile, useValue } from "@/lib/engine/hooks";
import { baseFor } from "@/lib/store/drawing";
import type { Point } from "@/lib/store/points";
import { pointAt, type History } from "@/lib/store/series";
import type { Tile } from "@/lib/store/tiles";
import { exactText } from "@/lib/values/exact";
import { formatAge, formatDateTime } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

const POINTS = 400;
/** When so many samples have come since, the archive is asked for them instead. */
const MOST_LIVE = 2_000;
const DRAWN_EVERY_MS = 1_000;

interface MetricCardProps {
  readonly clientId: string;
  readonly metric: string;
  readonly rangeMs: number;
}

/** One metric: its value whole, and its history from the archive, going on live while it is on the screen. */
export function MetricCard({ clientId, metric, rangeMs }: MetricCardProps): ReactElement | null {
  const [ref, onScreen] = useOnScreen<HTMLLIElement>();
  const tile = useTile(clientId, metric, onScreen);
  const [point, setPoint] = useState<Point | null>(null);
  if (tile === null) {
    return null;
  }
  return (
    <li
      ref={ref}
      data-testid="metric"
      data-metric={metric}
      data-value={exactText(tile.value)}
      className="grid min-w-0 content-start gap-1 bg-surface px-4 py-3 [contain-intrinsic-size:auto_150px] [content-visibility:auto]"
    >
      <div className="flex items-baseline gap-2 text-xs">
        <h3 className="min-w-0 flex-1 truncate text-muted" title={metric}>
          {metric}
        </h3>
        <Age tile={tile} point={point} />
      </div>
      <p className="flex min-h-7 flex-wrap items-baseline gap-x-1.5">
        <span className="num text-[17px] font-semibold tracking-tight break-all">
          <ValueText value={point?.value ?? tile.value} {...(point === null ? { digits: tile.fraction } : {})} />
        </span>
        <span className="text-xs text-muted">{unitOf(metric)}</span>
      </p>
      <div className="h-[84px]">{onScreen && <Chart tile={tile} rangeMs={rangeMs} onPoint={setPoint} />}</div>
    </li>
  );
}

function Age({ tile, point }: { readonly tile: Tile; readonly point: Point | null }): ReactElement {
  const now = useNow();
  if (point !== null) {
    return <span className="num text-muted">{formatDateTime(point.at)}</span>;
  }
  const at = tile.position.recordedAt;
  return (
    <span className="num text-muted" title={formatDateTime(at)}>
      {tile.origin === "replayed" ? "syncing" : formatAge(ageOf(tile, now))}
    </span>
  );
}

interface ChartProps {
  readonly tile: Tile;
  readonly rangeMs: number;
  readonly onPoint: (point: Point | null) => void;
}

/** The archive's part of a chart; read anew when the range changes, and when its device or this browser was cut off and is back. */
function useHistory(tile: Tile, rangeMs: number): { readonly data: History | undefined; readonly trouble: string; readonly again: () => void } {
  const { api } = useEngine();
  const { clientId, metric } = tile;
  const said = useDevice(clientId)?.said ?? "OFFLINE";
  const { data, failureReason, refetch } = useQuery({
    queryKey: ["history", clientId, metric, rangeMs],
    queryFn: () => {
      const to = api.serverNow();
      return history(api.send, { clientId, metric }, { from: to - rangeMs, to }, POINTS);
    },
  });
  const isOnline = useStatus().connection === "online";
  const before = useRef({ said, isOnline });
  useEffect(() => {
    const caughtUp = before.current.said === "SYNCING" && said === "ONLINE";
    const cameBack = isOnline && !before.current.isOnline;
    if (caughtUp || cameBack) {
      void refetch();
    }
    before.current = { said, isOnline };
  }, [said, isOnline, refetch]);
  return { data, trouble: failureReason?.message ?? "", again: () => void refetch() };
}

/** What has come since the chart is there, every sample of it however fast they come; filled in place. *full*: told when it became too much. */
function useLive({ clientId, metric }: Tile, full: () => void): readonly Point[] {
  const { tiles } = useEngine();
  const whenFull = useRef(full);
  useEffect(() => {
    whenFull.current = full;
  });
  const live = useMemo<Point[]>(() => [...(tiles.tile(clientId, metric)?.recent.toArray() ?? [])], [tiles, clientId, metric]);
  useEffect(() => {
    const follow = (): void => {
      // Readers are told less often than a fast device sends.
      live.push(...cameAfter(tiles.tile(clientId, metric)?.recent.toArray() ?? [], live.at(-1)));
      if (live.length > MOST_LIVE) {
        live.splice(0, MOST_LIVE / 2);
        whenFull.current();
      }
    };
    return tiles.subscribe(clientId, metric, follow);
  }, [tiles, clientId, metric, live]);
  return live;
}

interface Drawing {
  readonly live: readonly Point[];
  readonly data: History | undefined;
  readonly rangeMs: number;
  readonly samplingMs: number;
  readonly isBoolean: boolean;
  readonly theme: string;
  readonly onPoint: (point: Point | null) => void;
}

/** Draws into the element that the reference is put on, anew each second. */
function useDrawing({ live, data, rangeMs, samplingMs, isBoolean, theme, onPoint }: Drawing): RefObject<HTMLDivElement | null> {
  const { api } = useEngine();
  const host = useRef<HTMLDivElement>(null);
  // What is read while drawing, not while rendering.
  const latest = useRef({ data, samplingMs, rangeMs, onPoint });
  useEffect(() => {
    latest.current = { data, samplingMs, rangeMs, onPoint };
  });
  useEffect(() => {
    const element = host.current;
    if (element === null) {
      return;
    }
    let plot: MetricPlot | null = null;
    let over = false;
    let shown: readonly Point[] = [];
    let base = 0n;
    const draw = (): void => {
      const to = api.serverNow();
      const { data: known, samplingMs: step, rangeMs: range } = latest.current;
      shown = joined(known, live, to - range);
      base = baseFor(shown, base);
      plot?.draw(drawnOf(shown, gapMsOf(shown, known?.bucketMs ?? 0, step), base), { from: to - range, to }, base);
    };
    const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
    const begin = async (): Promise<void> => {
      const { MetricPlot: Plot } = await import("@/features/devices/metric-plot");
      if (!over) {
        const look = { line: colour("--series-1"), grid: colour("--line"), text: colour("--faint") };
        plot = new Plot(element, look, isBoolean, (at) => latest.current.onPoint(at === null ? null : pointAt(shown, at)));
        draw();
      }
    };
    // Values go on without their charts; the next time one comes onto the screen it is tried again.
    begin().catch(() => undefined);
    const timer = setInterval(draw, DRAWN_EVERY_MS);
    const observer = new ResizeObserver(() => plot?.resize(element.clientWidth));
    observer.observe(element);
    return () => {
      over = true;
      clearInterval(timer);
      observer.disconnect();
      plot?.destroy();
    };
  }, [api, live, isBoolean, theme, data, rangeMs]);
  return host;
}

function Chart({ tile, rangeMs, onPoint }: ChartProps): ReactElement {
  const { clientId, metric } = tile;
  const theme = useValue(shownTheme);
  const { data, trouble, again } = useHistory(tile, rangeMs);
  const live = useLive(tile, again);
  const samplingMs = (useDevice(clientId)?.figures?.sampling_interval_s ?? 0) * 1_000;
  const host = useDrawing({ live, data, rangeMs, samplingMs, isBoolean: typeof tile.value === "boolean", theme, onPoint });
  return (
    <div className="relative h-full">
      <div ref={host} data-testid="metric-chart" data-points={data?.points.length ?? ""} role="img" aria-label={`History of ${metric}`} className="h-full w-full" />
      {trouble !== "" && (
        <span className="absolute top-1 right-1">
          <Tag tone="warn" title={trouble}>
            no history
          </Tag>
        </span>
      )}
    </div>
  );
}
