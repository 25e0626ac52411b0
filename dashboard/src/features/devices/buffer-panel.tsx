"use client";

import type { ReactElement } from "react";

import { Panel, PanelHeader } from "@/components/ui/panel";
import { Heard } from "@/features/devices/device-cells";
import { rangeText, shortStream } from "@/features/devices/counts";
import { Fact, Facts } from "@/features/devices/fact";
import { BufferedCount } from "@/features/devices/presence";
import type { Heartbeat } from "@/contract/payloads";
import { ValueText } from "@/features/live/value-text";
import { useJudgingTime } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { timeOf } from "@/lib/time/clock";
import { formatCount } from "@/lib/values/format";

function counted(count: number | null): string {
  return count === null ? "–" : formatCount(count);
}

/** What waits on the device, as its heartbeats say. */
export function BufferPanel({ device }: { readonly device: Device }): ReactElement {
  const at = useJudgingTime();
  const figures = device.figures;
  return (
    <Panel aria-label="Buffer" data-testid="buffer">
      <PanelHeader title="Buffer on the device" />
      {figures === null ? (
        <p className="px-4 py-5 text-[13px] text-muted">The device has not said anything of its buffer yet.</p>
      ) : (
        <>
          <Facts>
            <Fact name="Buffered" title="Readings that no receipt has named yet" testId="buffer-pending">
              <BufferedCount device={device} at={at} />
            </Fact>
            <Fact name="Of them published" title="On their way; no receipt has come for them yet">{counted(figures.unarchived)}</Fact>
            <Fact name="Set aside" title="Put aside by the device, because the archive would not have them or never answered" tone={(figures.quarantined ?? 0) > 0 ? "warn" : "plain"}>
              {counted(figures.quarantined)}
            </Fact>
            <Fact name="Oldest waiting">{timeOf(figures.oldest_pending_at) === null ? "none" : <Heard at={timeOf(figures.oldest_pending_at)} />}</Fact>
            <Fact name="Full" tone={(figures.buffer_used_pct ?? 0) >= 80 ? "warn" : "plain"}>
              {figures.buffer_used_pct === null ? "–" : `${Number(figures.buffer_used_pct.toPrecision(3))} %`}
            </Fact>
            <Fact name="Last flush">{timeOf(figures.last_sync_at) === null ? "never" : <Heard at={timeOf(figures.last_sync_at)} />}</Fact>
          </Facts>
          <Held figures={figures} />
          <Waiting figures={figures} />
        </>
      )}
    </Panel>
  );
}

/** Streams of which the device still holds something. */
function Held({ figures }: { readonly figures: Heartbeat }): ReactElement | null {
  const { held, held_older: older } = figures;
  if ((held === null || held.length === 0) && older === null) {
    return null;
  }
  return (
    <div className="border-t px-4 py-3 text-xs">
      <h3 className="font-medium text-muted">Held streams</h3>
      <ul className="num mt-1.5 grid gap-1">
        {(held ?? []).map(({ stream, first, last, count }) => (
          <li key={stream} data-testid="held" className="flex flex-wrap items-baseline gap-x-3">
            <code title={stream} className="font-mono">{shortStream(stream)}</code>
            <span className="text-muted">
              {formatCount(count)} within {rangeText([first, last])}
            </span>
          </li>
        ))}
        {older !== null && (
          <li className="text-muted">
            and {formatCount(older.count)} in {formatCount(older.streams)} older streams
          </li>
        )}
      </ul>
    </div>
  );
}

/** The oldest waiting readings, while the device catches up. */
function Waiting({ figures }: { readonly figures: Heartbeat }): ReactElement | null {
  const sample = figures.pending_sample ?? [];
  if (sample.length === 0) {
    return null;
  }
  return (
    <div className="border-t px-4 py-3 text-xs">
      <h3 className="font-medium text-muted">Oldest waiting readings</h3>
      <ul className="num mt-1.5 grid max-h-48 gap-1 overflow-y-auto">
        {sample.map((row) => (
          <li key={String(row.sequence_no)} className="flex flex-wrap gap-x-3">
            <span className="text-muted">{String(row.sequence_no)}</span>
            {[...row.metrics].slice(0, 3).map(([metric, value]) => (
              <span key={metric}>
                <span className="text-muted">{metric}</span> <ValueText value={value} />
              </span>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}
