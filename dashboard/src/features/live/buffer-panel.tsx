"use client";

import { memo, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { ScrollArea } from "@/components/ui/scroll-area";
import { Tag } from "@/components/ui/tag";
import { PresenceBadge } from "@/features/devices/presence";
import { ALMOST_FULL_PCT, bufferState, NEARLY_FULL_PCT, type BufferState } from "@/features/live/buffer-state";
import { ValueText } from "@/features/live/value-text";
import type { PendingSample } from "@/contract/payloads";
import { useDevices, useEngine, useJudgingTime, useValue } from "@/lib/engine/hooks";
import { mainMetric } from "@/lib/engine/journal";
import type { Progress } from "@/lib/store/backlog";
import { formatAge, formatClock, formatCount, formatDuration } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

/** So many of the waiting rows are shown; the device sends its twenty oldest. */
const ROWS_SHOWN = 5;

/** What waits on devices: how much, for how long, how fast it is flushed, and its oldest rows. */
export function BufferPanel(): ReactElement {
  const { refetcher } = useEngine();
  const loaded = useValue(refetcher.loaded);
  const at = useJudgingTime();
  const devices = useDevices().filter((each) => each.revokedAt === null);
  const states = at === 0 ? [] : devices.map((each) => bufferState(each, at)).filter((each) => each !== null);
  return (
    <Panel aria-label="Offline buffer" data-testid="buffer-panel">
      <PanelHeader title="Offline buffer">
        <span className="num ml-auto text-xs text-faint">{states.length > 0 && `${states.length} of ${devices.length} ${devices.length === 1 ? "device" : "devices"}`}</span>
      </PanelHeader>
      {devices.length === 0 && !loaded ? (
        <Skeleton className="m-4 h-5" />
      ) : states.length === 0 ? (
        <p className="px-4 py-3 text-[13px] text-muted">{devices.length === 0 ? "No device, so nothing waits." : "Nothing waits on a device: every reading is archived."}</p>
      ) : (
        <ScrollArea label="Devices with waiting readings" className="max-h-[420px]">
          <ul className="divide-y">
            {states.map((state) => (
              <DeviceBuffer key={state.clientId} state={state} now={at} />
            ))}
          </ul>
        </ScrollArea>
      )}
    </Panel>
  );
}

function DeviceBuffer({ state, now }: { readonly state: BufferState; readonly now: number }): ReactElement {
  const { backlog } = useEngine();
  const progress = state.presence === "SYNCING" ? backlog.progress(state.clientId) : null;
  return (
    <li data-testid="buffer-row" data-client-id={state.clientId} className="grid grid-cols-1 gap-1.5 px-4 py-2.5">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate text-[13px] font-medium" title={state.clientId}>
          {state.clientId}
        </span>
        <PresenceBadge presence={state.presence} />
      </div>
      <p className="num flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-muted">
        <span className={classes(state.waiting > 0 && "font-semibold text-warn")}>
          {state.estimated && "≈ "}
          {formatCount(state.waiting)} waiting
        </span>
        {state.estimated && <Tag title="Its last figure and what it has probably produced since.">estimate</Tag>}
        {state.waiting > 0 && state.oldestAt !== null && <span>since {since(state.oldestAt, now)}</span>}
        {state.setAside > 0 && (
          <Tag tone="warn" title="Readings that the archive rejected or never answered for; the device keeps them apart.">
            {formatCount(state.setAside)} set aside
          </Tag>
        )}
      </p>
      {progress !== null && <ProgressLine clientId={state.clientId} progress={progress} />}
      {state.usedPct !== null && state.usedPct >= NEARLY_FULL_PCT / 2 && <Fill clientId={state.clientId} usedPct={state.usedPct} />}
      {state.rows.length > 0 && <WaitingRows clientId={state.clientId} rows={state.rows} />}
    </li>
  );
}

const A_DAY_MS = 24 * 60 * 60_000;

function since(oldestAt: number, now: number): string {
  return now - oldestAt < A_DAY_MS ? formatClock(oldestAt) : `${formatAge(now - oldestAt)} ago`;
}

function ProgressLine({ clientId, progress }: { readonly clientId: string; readonly progress: Progress }): ReactElement {
  const percent = Math.floor(progress.done * 100);
  return (
    <div className="grid gap-1">
      <Meter label={`Backlog of ${clientId} flushed`} percent={percent} tone="bg-accent" testId="buffer-progress" />
      <p className="num flex justify-between gap-2 text-xs text-muted">
        <span>{percent} % flushed</span>
        <span>{progress.leftMs === null ? "measuring the rate" : `${formatCount(progress.perSecond)}/s, about ${formatDuration(progress.leftMs)} left`}</span>
      </p>
    </div>
  );
}

/** How full the device's buffer is; past the bound it would refuse or give up readings. */
function Fill({ clientId, usedPct }: { readonly clientId: string; readonly usedPct: number }): ReactElement {
  const almost = usedPct >= ALMOST_FULL_PCT;
  const warns = usedPct >= NEARLY_FULL_PCT;
  return (
    <div className="grid gap-1">
      <Meter label={`Buffer of ${clientId} filled`} percent={Math.round(usedPct)} tone={almost ? "bg-down" : warns ? "bg-warn" : "bg-faint"} testId="buffer-fill" />
      <p className={classes("num text-xs", almost ? "text-down" : warns ? "text-warn" : "text-muted")}>
        Buffer {Math.round(usedPct)} % full{warns && ". When it is full, the device gives up readings and declares them lost."}
      </p>
    </div>
  );
}

interface MeterProps {
  readonly label: string;
  readonly percent: number;
  readonly tone: string;
  readonly testId: string;
}

function Meter({ label, percent, tone, testId }: MeterProps): ReactElement {
  return (
    <div role="progressbar" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100} data-testid={testId} className="h-1.5 overflow-hidden rounded-full bg-raised">
      <div className={classes("h-full rounded-full transition-[width] duration-300", tone)} style={{ width: `${Math.min(100, percent)}%` }} />
    </div>
  );
}

const WaitingRows = memo(function WaitingRows({ clientId, rows }: { readonly clientId: string; readonly rows: readonly PendingSample[] }): ReactElement {
  return (
    <ul aria-label={`Oldest waiting rows of ${clientId}`} className="num divide-y rounded-md border bg-bg text-xs">
      {rows.slice(0, ROWS_SHOWN).map((row) => (
        <WaitingRow key={String(row.sequence_no)} row={row} />
      ))}
    </ul>
  );
});

function WaitingRow({ row }: { readonly row: PendingSample }): ReactElement {
  const main = mainMetric(row.metrics);
  const others = row.metrics.size - 1;
  return (
    <li data-testid="pending-row" className="flex items-center gap-1.5 px-2 py-1 whitespace-nowrap" title={main === null ? undefined : `${main[0]}${others > 0 ? ` and ${others} more` : ""}`}>
      <span>ID {String(row.sequence_no)}</span>
      <Bar />
      <span className="min-w-0 flex-1 truncate">
        Value {main === null ? "–" : <ValueText value={main[1]} />} {main !== null && unitOf(main[0])}
      </span>
      <Bar />
      <span className="text-warn">Pending</span>
    </li>
  );
}

function Bar(): ReactElement {
  return <span className="text-faint">|</span>;
}
