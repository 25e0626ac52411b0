"use client";

import { ChartLine, Pause, Play, X } from "lucide-react";
import { useMemo, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Empty, Panel, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { ChartCanvas } from "@/features/live/chart-canvas";
import { ValueText } from "@/features/live/value-text";
import { useEngine, useSeries, useTile, useValue } from "@/lib/engine/hooks";
import type { Series, Span } from "@/lib/store/chart";
import { pointAt } from "@/lib/store/series";
import { ValueStore } from "@/lib/store/value-store";
import { formatDateTime } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

const MINUTE_MS = 60_000;
const RANGES = [
  { value: "5", label: "5 m" },
  { value: "15", label: "15 m" },
  { value: "60", label: "1 h" },
  { value: "360", label: "6 h" },
  { value: "1440", label: "24 h" },
  { value: "10080", label: "7 d" },
] as const;
type RangeMinutes = (typeof RANGES)[number]["value"];

/** The main chart: chosen metrics with their history, going on live; pause, or mark a stretch to look closer. */
export function ChartPanel(): ReactElement {
  const { chart, refetcher } = useEngine();
  const { chosen } = useValue(chart.view);
  const loaded = useValue(refetcher.loaded);
  const cursor = useMemo(() => new ValueStore<number | null>(null), []);
  return (
    <Panel aria-label="Chart" className="flex h-[340px] flex-col overflow-hidden min-[1800px]:h-[420px]">
      <div className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1.5 border-b px-3 py-1.5 sm:px-4">
        <Legend cursor={cursor} />
        <Controls cursor={cursor} />
      </div>
      <div className="relative min-h-0 flex-1">
        <Loading />
        {chosen.length === 0 && !loaded ? (
          <Skeleton className="m-4 h-[calc(100%-32px)]" />
        ) : chosen.length === 0 ? (
          <Empty icon={<ChartLine aria-hidden />} title="Nothing on the chart">
            Press a tile to show its history here. Up to six metrics fit, of one device or of several.
          </Empty>
        ) : (
          <ChartCanvas cursor={cursor} />
        )}
      </div>
    </Panel>
  );
}

function Controls({ cursor }: { readonly cursor: ValueStore<number | null> }): ReactElement {
  const { chart, api } = useEngine();
  const { rangeMs, paused } = useValue(chart.view);
  const minutes = String(rangeMs / MINUTE_MS);
  const pause = (): void => {
    const now = api.serverNow();
    chart.pause(paused === null ? { from: now - rangeMs, to: now } : null);
  };
  return (
    <div className="ml-auto flex items-center gap-2">
      <CursorTime cursor={cursor} paused={paused} />
      <Choice<RangeMinutes>
        label="Time range"
        value={RANGES.find((each) => each.value === minutes)?.value ?? "15"}
        choices={RANGES}
        onChoose={(value) => chart.setRange(Number(value) * MINUTE_MS)}
      />
      <Button tone={paused === null ? "quiet" : "primary"} size="small" aria-pressed={paused !== null} onClick={pause}>
        {paused === null ? <Pause aria-hidden /> : <Play aria-hidden />}
        <span className="max-sm:sr-only">{paused === null ? "Pause" : "Go live"}</span>
      </Button>
    </div>
  );
}

function CursorTime({ cursor, paused }: { readonly cursor: ValueStore<number | null>; readonly paused: Span | null }): ReactElement | null {
  const at = useValue(cursor);
  if (at !== null) {
    return <span className="num hidden text-xs text-muted lg:inline">{formatDateTime(at)}</span>;
  }
  return paused === null ? null : <Tag tone="warn">paused</Tag>;
}

function Legend({ cursor }: { readonly cursor: ValueStore<number | null> }): ReactElement {
  const series = useSeries();
  return (
    <ul aria-label="Metrics on the chart" className="flex min-w-0 flex-wrap items-center gap-1.5">
      {series.map((each, index) => (
        <LegendEntry key={`${each.clientId}/${each.metric}`} series={each} no={index + 1} cursor={cursor} />
      ))}
    </ul>
  );
}

interface LegendEntryProps {
  readonly series: Series;
  readonly no: number;
  readonly cursor: ValueStore<number | null>;
}

function LegendEntry({ series, no, cursor }: LegendEntryProps): ReactElement {
  const { chart } = useEngine();
  const at = useValue(cursor);
  const live = useTile(series.clientId, series.metric, true);
  const value = at === null ? (live?.value ?? null) : (pointAt(series.points, at)?.value ?? null);
  return (
    <li className="flex h-7 max-w-full items-center gap-1.5 rounded-md border bg-bg pr-0.5 pl-2 text-xs">
      <span aria-hidden className="h-0.5 w-3 shrink-0 rounded-full" style={{ background: `var(--series-${no})` }} />
      <span className="truncate text-muted" title={`${series.clientId} · ${series.metric}`}>
        <span className="max-sm:hidden">{series.clientId} · </span>
        {series.metric}
      </span>
      <span className="num min-w-12 text-right font-semibold">{value === null ? "–" : <ValueText value={value} />}</span>
      <span className="text-faint">{unitOf(series.metric)}</span>
      {series.trouble !== "" && (
        <Tag tone="warn" title={series.trouble}>
          no history
        </Tag>
      )}
      <button
        type="button"
        aria-label={`Take ${series.metric} of ${series.clientId} off the chart`}
        onClick={() => chart.toggle(series, [])}
        className="grid size-6 place-items-center rounded text-faint hover:bg-raised hover:text-text"
      >
        <X aria-hidden className="size-3.5" />
      </button>
    </li>
  );
}

function Loading(): ReactElement | null {
  const loading = useSeries().some((each) => each.loading);
  return loading ? (
    <div role="status" className="absolute inset-x-0 top-0 z-10 h-0.5 overflow-hidden">
      <span className="sr-only">Loading history</span>
      <div className="loading-bar h-full w-1/4 bg-accent" />
    </div>
  ) : null;
}
