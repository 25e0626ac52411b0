"use client";

import { ChartLine, Pause, Play, ZoomOut } from "lucide-react";
import { useMemo, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Empty, Panel, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { ChartCanvas } from "@/features/live/chart-canvas";
import { Legend } from "@/features/live/chart-legend";
import { ChartTable } from "@/features/live/chart-table";
import { useEngine, useSeries, useValue } from "@/lib/engine/hooks";
import { ValueStore } from "@/lib/store/value-store";
import { formatDateTime } from "@/lib/values/format";

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
  const [focus, setFocus] = useState(-1);
  return (
    <Panel aria-label="Chart" className="flex h-[340px] flex-col overflow-hidden min-[1800px]:h-[420px]">
      <div className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1.5 border-b px-3 py-1.5 sm:px-4">
        <Legend cursor={cursor} focus={focus} onFocus={setFocus} />
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
          <>
            <p id="chart-keys" className="sr-only">
              Arrow keys move the cursor, plus looks closer, minus or Escape goes back. The newest values stand in the table that follows.
            </p>
            <ChartCanvas cursor={cursor} focus={focus < chosen.length ? focus : -1} />
            <ChartTable />
          </>
        )}
      </div>
    </Panel>
  );
}

function Controls({ cursor }: { readonly cursor: ValueStore<number | null> }): ReactElement {
  const { chart, api } = useEngine();
  const { rangeMs, paused, behind } = useValue(chart.view);
  const minutes = String(rangeMs / MINUTE_MS);
  const pause = (): void => {
    const now = api.serverNow();
    chart.pause(paused === null ? { from: now - rangeMs, to: now } : null);
  };
  return (
    <div className="ml-auto flex flex-wrap items-center justify-end gap-2">
      <CursorTime cursor={cursor} />
      {behind.length > 0 && (
        <Button tone="plain" size="small" data-testid="zoom-out" onClick={() => chart.zoomOut()}>
          <ZoomOut aria-hidden />
          <span className="max-sm:sr-only">Zoom out</span>
        </Button>
      )}
      <Choice<RangeMinutes>
        label="Time range"
        value={RANGES.find((each) => each.value === minutes)?.value ?? "15"}
        choices={RANGES}
        onChoose={(value) => chart.setRange(Number(value) * MINUTE_MS)}
      />
      <Button tone={paused === null ? "quiet" : "primary"} size="small" data-testid="pause" aria-pressed={paused !== null} onClick={pause}>
        {paused === null ? <Pause aria-hidden /> : <Play aria-hidden />}
        <span className="max-sm:sr-only">{paused === null ? "Pause" : "Go live"}</span>
      </Button>
    </div>
  );
}

/** The time under the cursor; else what holds the chart fast, or how to look closer. */
function CursorTime({ cursor }: { readonly cursor: ValueStore<number | null> }): ReactElement {
  const { chart } = useEngine();
  const { paused, behind } = useValue(chart.view);
  const at = useValue(cursor);
  return (
    <>
      {paused !== null && <Tag tone="warn">{behind.length > 0 ? "zoomed, paused" : "paused"}</Tag>}
      {at !== null ? (
        <span data-testid="cursor-time" className="num hidden text-xs text-muted lg:inline">
          {formatDateTime(at)}
        </span>
      ) : (
        paused === null && <span className="hidden text-xs text-faint min-[1800px]:inline">Mark a stretch to look closer</span>
      )}
    </>
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
